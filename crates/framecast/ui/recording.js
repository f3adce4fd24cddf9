// Whether a camera is being recorded, and starting and stopping that by hand.

import { ask } from './sessions.js';

const RENEW_MS = 3_000;

/**
 * @typedef {object} Recording As the API tells it.
 * @property {'off' | 'always' | 'manual'} mode
 * @property {'off' | 'buffering' | 'waiting' | 'recording' | 'faulted'} state
 * @property {number} since
 * @property {string | null} fault
 * @property {number} buffered
 * @property {number} stored_bytes
 */

/** What a recording's state is in plain words. @param {Recording} recording */
export function words({ state, since, fault, buffered }) {
  const time = new Date(since * 1_000).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' });
  switch (state) {
    case 'off':
      return 'Not recorded';
    case 'buffering':
      return `Not recorded; the last ${Math.floor(buffered)} s are ready`;
    case 'waiting':
      return 'To be recorded: waiting for a picture';
    case 'recording':
      return `Recording since ${time}`;
    case 'faulted':
      return `Can't record: ${fault}`;
  }
}

/** Fills the card with a camera's recording; it stays hidden for a camera that is never recorded.
 * @param {HTMLElement} card @param {string} api @param {(state: string, hasPast: boolean) => void} changed Hears the state in a word
 * or with the reason, and whether something is recorded or will be. */
export function show(card, api, changed) {
  const state = /** @type {HTMLElement} */ (card.querySelector('[data-recording-state]'));
  const fault = /** @type {HTMLElement} */ (card.querySelector('[data-fault]'));
  const start = /** @type {HTMLButtonElement} */ (card.querySelector('[data-start]'));
  const include = /** @type {HTMLButtonElement} */ (card.querySelector('[data-include]'));
  const stop = /** @type {HTMLButtonElement} */ (card.querySelector('[data-stop]'));
  let buffered = 0;
  let turn = 0;

  /** @param {Recording} recording */
  const draw = (recording) => {
    const isRunning = recording.state !== 'off' && recording.state !== 'buffering';
    const byHand = recording.mode === 'manual';
    buffered = Math.floor(recording.buffered);
    card.hidden = recording.mode === 'off';
    card.dataset.recording = recording.state;
    if (state.textContent !== words(recording)) state.textContent = words(recording);
    start.hidden = !byHand || isRunning;
    include.hidden = start.hidden || buffered < 1;
    include.textContent = `Start with the last ${buffered} s`;
    stop.hidden = !byHand || !isRunning;
    changed(recording.fault ?? recording.state, recording.mode !== 'off' || recording.stored_bytes > 0);
  };

  /** @param {string} path @param {string} [method] @param {object} [body] */
  const renew = async (path, method, body) => {
    const mine = ++turn;
    const { said } = await ask(`${api}/recording${path}`, method, body);
    if (mine === turn) draw(said);
  };

  /** @param {string} path @param {object} [body] */
  const turnTo = async (path, body) => {
    try {
      await renew(path, 'POST', body);
      fault.textContent = '';
    } catch (error) {
      fault.textContent = error instanceof Error ? error.message : `${error}`;
    }
  };
  start.onclick = () => turnTo('/start');
  include.onclick = () => turnTo('/start', { include: `${buffered}s` });
  stop.onclick = () => turnTo('/stop');

  // What can't be asked now is asked again.
  const look = () => renew('').catch(() => {});
  void look();
  setInterval(() => document.hidden || look(), RENEW_MS);
}
