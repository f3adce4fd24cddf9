// Takes a time of the recordings away as a file. The browser downloads it by itself, however large it is; how far that is, the
// server tells, for no script can see it.

import { span } from './condition.js';
import { ask, Refused } from './sessions.js';

const LOOK_MS = 500;
/** How long a download may take to begin, or to be unknown to the server. */
const PATIENCE_MS = 15_000;
const USUAL_MS = 600_000;
/** Before that, a rate says little. */
const RATE_MS = 2_000;

/**
 * @typedef {object} Wish
 * @property {number} from Milliseconds since 1970.
 * @property {number} to
 * @property {string} form `mp4`, `lapse` or `zip`.
 * @property {string} every Of a time-lapse: seconds.
 * @property {string} fps Of a time-lapse.
 *
 * @typedef {object} View An export as the server tells it.
 * @property {'running' | 'done' | 'failed'} state
 * @property {number} bytes
 * @property {number} done_bytes
 * @property {string | null} error
 */

/** Where a file is to be had. @param {string} base The camera's page. @param {Wish} wish */
export function address(base, { from, to, form, every, fps }) {
  const url = new URL(form === 'zip' ? 'export.zip' : 'export.mp4', base);
  url.searchParams.set('from', `${from / 1_000}`);
  url.searchParams.set('to', `${to / 1_000}`);
  if (form === 'lapse') {
    url.searchParams.set('every', `${every}s`);
    url.searchParams.set('fps', fps);
  }
  return url;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** How far it is, for people. @param {View} view @param {number} took Milliseconds for so much. */
export function told({ state, bytes, done_bytes }, took) {
  if (state === 'done') return `Downloaded: ${size(bytes)}`;
  const text = `${size(done_bytes)} of ${size(bytes)}`;
  if (took < RATE_MS || done_bytes === 0) return text;
  return `${text}, ${span((took * (bytes - done_bytes)) / done_bytes)} left`;
}

/** A time as a field for date and time has it. @param {number} time */
export function field(time) {
  const local = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

/** A name that nobody guesses; randomUUID is there on https and localhost only. */
function name() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Makes the card work. It stays hidden until `reveal` is called: something is recorded.
 * @param {HTMLElement} card @param {string} api @param {() => number} shown When the picture was taken that is shown. */
export function show(card, api, shown) {
  const form = /** @type {HTMLFormElement} */ (card.querySelector('form'));
  const button = /** @type {HTMLButtonElement} */ (card.querySelector('[data-export-start]'));
  const lapse = /** @type {HTMLElement} */ (card.querySelector('[data-lapse]'));
  const bar = /** @type {HTMLElement} */ (card.querySelector('[data-progress]'));
  const progress = /** @type {HTMLProgressElement} */ (bar.querySelector('progress'));
  const text = /** @type {HTMLElement} */ (card.querySelector('[data-told]'));
  const fault = /** @type {HTMLElement} */ (card.querySelector('[data-fault]'));
  /** @param {string} name */
  const input = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  let turn = 0;

  const choose = () => {
    lapse.hidden = input('form').value !== 'lapse';
    // What is not asked need not be right.
    for (const name of ['every', 'fps']) input(name).disabled = lapse.hidden;
  };

  /** @param {View} view @param {number} took */
  const draw = (view, took) => {
    bar.hidden = false;
    progress.value = view.bytes === 0 ? 0 : view.done_bytes / view.bytes;
    text.textContent = told(view, took);
  };

  const take = async () => {
    const mine = ++turn;
    const wish = {
      from: new Date(input('from').value).getTime(),
      to: new Date(input('to').value).getTime(),
      form: input('form').value,
      every: input('every').value,
      fps: input('fps').value,
    };
    const url = address(document.baseURI, wish);
    const bytes = await length(url.href);
    const job = name();
    url.searchParams.set('job', job);
    draw({ state: 'running', bytes, done_bytes: 0, error: null }, 0);
    const link = document.createElement('a');
    link.href = url.href;
    link.download = '';
    link.click();

    const began = performance.now();
    let heard = began;
    while (mine === turn) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
      const view = await look(`${api}/exports/${job}`);
      if (mine !== turn) return;
      const now = performance.now();
      if (view) {
        heard = now;
        button.disabled = false;
        draw(view, now - began);
        if (view.state === 'failed') throw new Error(`It broke off: ${view.error}. Your browser may be able to go on with it.`);
        if (view.state === 'done') return;
      } else if (now - heard > PATIENCE_MS) {
        throw new Error(heard === began ? 'Your browser did not begin the download.' : 'The server knows nothing of it any more.');
      }
    }
  };

  form.onsubmit = async (event) => {
    event.preventDefault();
    fault.textContent = '';
    button.disabled = true;
    try {
      await take();
    } catch (error) {
      fault.textContent = error instanceof Error ? error.message : `${error}`;
    }
    button.disabled = false;
  };
  input('form').onchange = choose;
  choose();
  for (const here of card.querySelectorAll('[data-here]')) {
    here.addEventListener('click', () => (input(here.getAttribute('data-here') ?? '').value = field(shown())));
  }

  return {
    reveal() {
      if (!card.hidden) return;
      const now = shown();
      input('from').value = field(now - USUAL_MS);
      input('to').value = field(now);
      card.hidden = false;
    },
  };
}

/** Bytes of the file, before it is made. @param {string} url */
async function length(url) {
  const unheard = () => {
    throw new Error('The server does not answer. Try again in a moment.');
  };
  const head = await fetch(url, { method: 'HEAD' }).catch(unheard);
  if (head.ok) return Number(head.headers.get('Content-Length'));
  // Why not stands in a body, which a HEAD has not.
  const stop = new AbortController();
  const answer = await fetch(url, { signal: stop.signal }).catch(unheard);
  const said = answer.ok ? 'That did not work. Try again.' : await answer.text();
  stop.abort();
  throw new Error(said.trim());
}

/** @param {string} url @returns {Promise<View | null>} Null for one that the server does not know, or if it does not answer. */
async function look(url) {
  try {
    return (await ask(url)).said;
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}
