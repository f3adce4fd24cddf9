// What a viewer is told about a picture, as a function of what is known. No clock and no DOM here.

/**
 * @typedef {object} Known
 * @property {import('./link.js').Status} link
 * @property {import('./link.js').State | null} state The newest word of the server.
 * @property {boolean | null} live Whether the newest frame was a picture of the camera; null before the first.
 * @property {number | null} since Milliseconds since a picture of the camera came; null before the first.
 * @property {number} patience How long a frame may take to come.
 * @property {boolean} [past] Whether a recording is to be shown, as long as the session in `state` has not come to live.
 *
 * @typedef {object} Condition
 * @property {'live' | 'past' | 'waiting' | 'stale' | 'unknown'} mood `past`: a recording is shown. `stale`: what is shown, if anything, is not what the camera
 * sees. `unknown`: nothing tells whether it is.
 * @property {string} text
 */

/** @type {Record<string, string>} */
const BROKEN = {
  lost: 'camera lost',
  failed: 'camera failed',
  no_signal: 'no signal',
  ended: 'ended',
  refused: 'not available',
};

/** @param {Known} known @returns {Condition} */
export function condition({ link, state, live, since, patience, past = false }) {
  if (link !== 'open') {
    if (link === 'idle') return { mood: since === null ? 'waiting' : 'stale', text: 'paused' };
    if (link === 'locked') return { mood: 'stale', text: 'log in to watch' };
    return link === 'connecting' ? { mood: 'waiting', text: 'connecting…' } : { mood: 'stale', text: 'reconnecting…' };
  }
  const broken = state && BROKEN[state.state];
  if (broken) return { mood: 'stale', text: state.reason || broken };
  if (past && !state?.playback?.live && since !== null) return recorded(state);
  if (live === false) return { mood: 'stale', text: state?.reason || 'no signal' };
  if (since === null) return { mood: 'waiting', text: state?.reason || 'waiting for a picture…' };
  if (since >= patience) return { mood: 'stale', text: `no picture for ${span(since)}` };
  return { mood: 'live', text: 'live' };
}

/** A recording is never late: it stays while it is paused, and jumps over what is not there. @param {import('./link.js').State | null} state
 * @returns {Condition} */
function recorded(state) {
  const { paused = false, reason = null } = state?.playback ?? {};
  if (reason) return { mood: 'stale', text: reason };
  return { mood: 'past', text: paused ? 'paused' : 'recorded' };
}

/** Two seconds, or three times what is usual for a slow camera. @param {number} interval The usual time between frames. */
export function patience(interval) {
  return Math.max(2_000, 3 * interval);
}

/** The usual time between frames after one more gap; a single long one does not make a fast camera a slow one.
 * @param {number} interval 0 while unknown. @param {number} gap */
export function usual(interval, gap) {
  if (interval === 0) return gap;
  return interval + (Math.min(gap, 2 * patience(interval)) - interval) / 8;
}

/** A duration in the words of the display. @param {number} ms */
export function span(ms) {
  const seconds = ms / 1_000;
  if (seconds < 0.1) return '<0.1 s';
  if (seconds < 2) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}

const STEPS = [320, 640, 960, 1280];

/** The width worth asking for to fill `pixels`; undefined for the camera's own. @param {number} pixels */
export function step(pixels) {
  return STEPS.find((width) => width >= pixels);
}
