// What the player of a page does next, as a function of what happened. No clock, no network and no DOM here.
//
// Live needs no session. One is begun when somebody leaves live, and let go on the way back. One request is under way at a
// time; what is asked meanwhile waits, and of two places to go the later one counts.

/**
 * @typedef {object} Change What is to become of the playing; what is left out stays.
 * @property {number} [at] Where to go: milliseconds since 1970, by the server's clock.
 * @property {number} [move] How far to go from where it stands: milliseconds, below zero back.
 * @property {number} [step] So many frames on, or back for a number below zero.
 * @property {boolean} [paused]
 * @property {number} [speed] Times real time; below zero it is backwards.
 *
 * @typedef {object} View A session as the server tells it.
 * @property {string} session
 * @property {boolean} live
 * @property {boolean} paused
 * @property {number} speed
 * @property {string} position
 * @property {number} behind_seconds
 *
 * @typedef {object} State
 * @property {string | null} session The session that is watched; null: live.
 * @property {boolean} paused
 * @property {number} speed
 * @property {number | null} position The time of the picture that is shown: milliseconds since 1970; null: live, or unknown.
 * @property {number | null} target Where it is on its way to.
 * @property {number} turn The number of the request under way, or of the last one.
 * @property {boolean} busy Whether a request is under way.
 * @property {Change[]} queue What is to be asked after it.
 * @property {boolean} doubtful The connection broke since the session was last heard of: it may be another by now.
 * @property {string} line What went wrong, for people.
 *
 * @typedef {{ do: 'begin', turn: number, body: object }
 *   | { do: 'change', turn: number, session: string, change: Change, body: object }
 *   | { do: 'end', session: string }
 *   | { do: 'watch', session: string | null }} Effect
 *
 * @typedef {{ type: 'ask', change: Change, now: number }
 *   | { type: 'live' }
 *   | { type: 'answered', turn: number, view: View }
 *   | { type: 'refused', turn: number, change?: Change, status: number, text: string }
 *   | { type: 'reported', view: View }
 *   | { type: 'pictured', session: string | null, captured: number }
 *   | { type: 'lost' }
 *   | { type: 'over', reason: string }} Event
 */

/** @type {State} */
export const LIVE = {
  session: null,
  paused: false,
  speed: 1,
  position: null,
  target: null,
  turn: 0,
  busy: false,
  queue: [],
  doubtful: false,
  line: '',
};

/** @param {State} state */
export const isLive = (state) => state.session === null && !state.busy;

/** The server's clock when it told of a session. @param {View} view */
export const clock = (view) => Date.parse(view.position) + view.behind_seconds * 1_000;

/** @param {State} state @param {Event} event @returns {{ state: State, effects: Effect[] }} */
export function next(state, event) {
  switch (event.type) {
    case 'ask':
      return ask({ ...state, line: '' }, event.change, event.now);
    case 'live':
      return live(state, '');
    case 'answered':
      return answered(state, event.turn, event.view);
    case 'refused':
      return refused(state, event);
    case 'reported':
      return reported(state, event.view);
    case 'pictured':
      // A paused picture's time is known exactly, from the session.
      if (event.session === null || event.session !== state.session || state.paused) return { state, effects: [] };
      return { state: { ...state, position: event.captured }, effects: [] };
    case 'lost':
      return { state: { ...state, doubtful: state.session !== null }, effects: [] };
    case 'over':
      return state.session === null ? { state, effects: [] } : live(state, `Playback ended: ${event.reason}`);
  }
}

/** @param {State} state @param {Change} change @param {number} now */
function ask(state, change, now) {
  if (change.at !== undefined && change.at >= now) return live(state, '');
  if (!isLive(state)) {
    const target = aim(state, change);
    const waiting = { ...state, ...meant(state, change), target, queue: merged(state.queue, change) };
    return state.busy ? { state: waiting, effects: [] } : send(waiting);
  }
  // Live plays on at normal speed, and there is nothing behind it.
  if ((change.move ?? 0) > 0 || change.paused === false || (change.speed ?? 0) >= 1) return { state, effects: [] };
  const { step, ...start } = change;
  const stops = step !== undefined && { paused: true };
  const queue = step !== undefined && step < 0 ? [{ step }] : [];
  return begin({ ...state, ...meant(state, change), target: change.at ?? null, queue }, { ...start, ...stops });
}

/** What is asked is shown at once; the server's word corrects it. @param {State} state @param {Change} change */
function meant(state, { step, paused = step === undefined ? state.paused : true, speed = state.speed }) {
  return { paused, speed };
}

/** @param {State} state @param {Change} change */
function aim({ target, position }, { at, move, step }) {
  if (at !== undefined) return at;
  if (step !== undefined) return null;
  const from = target ?? position;
  return move !== undefined && from !== null ? from + move : target;
}

/** The queue with one more wish, as short as it can be. @param {Change[]} queue @param {Change} change */
export function merged(queue, change) {
  const last = queue[queue.length - 1];
  if (!last) return [change];
  if (change.at !== undefined) {
    // Where it was to go before doesn't matter now; a step on the way would have paused it.
    const kept = queue.map(({ at, move, step, ...rest }) => (step === undefined ? rest : { ...rest, paused: true }));
    return [Object.assign({}, ...kept, change)];
  }
  const before = queue.slice(0, -1);
  const places = (last.at !== undefined ? 1 : 0) + (last.move !== undefined ? 1 : 0) + (last.step !== undefined ? 1 : 0);
  if (change.move !== undefined && last.at !== undefined) return [...before, { ...last, at: last.at + change.move }];
  if (change.move !== undefined && last.move !== undefined) return [...before, { ...last, move: last.move + change.move }];
  if (change.step !== undefined && last.step !== undefined) return [...before, { ...last, step: last.step + change.step }];
  const isPlace = change.move !== undefined || change.step !== undefined;
  if (isPlace ? places === 0 && change.step === undefined : last.step === undefined) return [...before, { ...last, ...change }];
  return [...queue, change];
}

/** Asks for the first of the queue. @param {State} state @returns {{ state: State, effects: Effect[] }} */
function send(state) {
  const [change, ...queue] = state.queue;
  const { session } = state;
  if (!change || session === null) return { state: { ...state, busy: false, queue: [], target: null }, effects: [] };
  if (change.step === 0 || change.move === 0) return send({ ...state, queue });
  if (state.doubtful) return again({ ...state, queue }, change);
  const turn = state.turn + 1;
  return {
    state: { ...state, turn, busy: true, queue },
    effects: [{ do: 'change', turn, session, change, body: body(change) }],
  };
}

/** @param {State} state @param {Change} change @returns {{ state: State, effects: Effect[] }} */
function begin(state, change) {
  const turn = state.turn + 1;
  // Before a session there is nothing to move from but now.
  const { move, ...rest } = change;
  const start = move === undefined ? body(rest) : { ...body(rest), at: `${move / 1_000}s` };
  return { state: { ...state, turn, busy: true }, effects: [{ do: 'begin', turn, body: start }] };
}

/** A change as the API takes it. @param {Change} change */
function body({ at, move, ...rest }) {
  return {
    ...rest,
    ...(at !== undefined && { at: at / 1_000 }),
    ...(move !== undefined && { move: `${move / 1_000}s` }),
  };
}

/** @param {State} state @param {string} line @returns {{ state: State, effects: Effect[] }} */
function live(state, line) {
  const back = { ...LIVE, turn: state.turn + 1, line };
  if (state.session === null) return { state: back, effects: [] };
  return {
    state: back,
    effects: [
      { do: 'watch', session: null },
      { do: 'end', session: state.session },
    ],
  };
}

/** @param {State} state @param {number} turn @param {View} view @returns {{ state: State, effects: Effect[] }} */
function answered(state, turn, view) {
  if (turn !== state.turn || !state.busy) {
    // Nobody waits for it any more: a session that was begun is not wanted.
    return { state, effects: view.session === state.session ? [] : [{ do: 'end', session: view.session }] };
  }
  /** @type {Effect[]} */
  const effects = [];
  if (view.session !== state.session) {
    if (view.live) {
      const back = live(state, '');
      return { state: back.state, effects: [{ do: 'end', session: view.session }, ...back.effects] };
    }
    effects.push({ do: 'watch', session: view.session });
    if (state.session !== null) effects.push({ do: 'end', session: state.session });
  } else if (view.live && state.queue.length === 0) {
    return live(state, '');
  }
  const sent = send({ ...taken(state, view), session: view.session });
  return { state: sent.state, effects: [...effects, ...sent.effects] };
}

/** @param {State} state @param {{ turn: number, change?: Change, status: number, text: string }} event */
function refused(state, { turn, change, status, text }) {
  if (turn !== state.turn || !state.busy) return { state, effects: [] };
  // It may have ended while nobody watched, or the server is another: once more, in a new one.
  if (change && status === 404) return again(state, change);
  if (!change) return live(state, text);
  return { state: { ...state, busy: false, queue: [], target: null, line: text }, effects: [] };
}

/** Begins anew where it stood. @param {State} state @param {Change} change */
function again(state, change) {
  const at = change.at ?? (change.move && state.position !== null ? state.position + change.move : state.position);
  return begin({ ...state, doubtful: false }, { ...meant(state, change), ...(at !== null && { at }) });
}

/** @param {State} state @param {View} view @returns {{ state: State, effects: Effect[] }} */
function reported(state, view) {
  if (view.session !== state.session || state.busy) return { state, effects: [] };
  if (!view.live) return { state: taken(state, view), effects: [] };
  // A new session of the old name begins live; one that is known has caught up.
  return state.doubtful ? again(state, {}) : live(state, '');
}

/** @param {State} state @param {View} view @returns {State} */
function taken(state, view) {
  const exact = view.paused || state.position === null || state.busy;
  const position = exact ? Date.parse(view.position) : state.position;
  return { ...state, paused: view.paused, speed: view.speed, position, doubtful: false };
}
