// The server's side of playback and recordings: its addresses, and what it answers.

/** What the server would not do, in its own words. */
export class Refused extends Error {
  /** @param {number} status 0: it did not answer. @param {string} text */
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** Asks the API. @param {string} url @param {string} [method] @param {object} [body] @param {RequestInit} [more] */
export async function ask(url, method = 'GET', body, more = {}) {
  const json = body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(url, { method, ...json, ...more });
  } catch {
    throw new Refused(0, 'The server does not answer. Try again in a moment.');
  }
  const said = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, said?.error ?? `The server answers with ${answer.status}.`);
  return { said, date: Date.parse(answer.headers.get('Date') ?? '') };
}

/** The sessions of a camera. */
export class Sessions {
  #url;

  /** @param {string} api The camera's address in the API. */
  constructor(api) {
    this.#url = `${api}/playback`;
  }

  /** @param {object} body @returns {Promise<import('./playback.js').View>} */
  async begin(body) {
    return (await ask(this.#url, 'POST', body)).said;
  }

  /** @param {string} session @param {object} body @returns {Promise<import('./playback.js').View>} */
  async change(session, body) {
    return (await ask(`${this.#url}/${session}`, 'PATCH', body)).said;
  }

  /** @param {string} session @returns {Promise<import('./playback.js').View>} */
  async look(session) {
    return (await ask(`${this.#url}/${session}`)).said;
  }

  /** Also on the way out of the page; one that can't be told ends by itself. @param {string} session */
  end(session) {
    ask(`${this.#url}/${session}`, 'DELETE', undefined, { keepalive: true }).catch(() => {});
  }
}
