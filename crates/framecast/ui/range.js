// The arithmetic of a timeline: which time is shown, and where on it a moment lies. Times are milliseconds since 1970.

/**
 * @typedef {object} Range What is shown.
 * @property {number} from
 * @property {number} to
 *
 * @typedef {object} Span A time without a gap.
 * @property {number} start
 * @property {number} end
 */

export const LEAST_MS = 60_000;
export const MOST_MS = 31 * 86_400_000;

/** How much of the range lies ahead of now at most, as a part of it. */
const AHEAD = 0.05;

/** @param {Range} range */
export const length = ({ from, to }) => to - from;

/** Where a moment lies, from 0 at the left to 1 at the right. @param {Range} range @param {number} time */
export const place = (range, time) => (time - range.from) / length(range);

/** The moment at a place. @param {Range} range @param {number} place */
export const moment = (range, place) => range.from + place * length(range);

/** A range that can be shown: not too short, not too long, not in the future. @param {Range} range @param {number} now @returns {Range} */
export function fit({ from, to }, now) {
  const long = Math.min(MOST_MS, Math.max(LEAST_MS, to - from));
  const middle = (from + to) / 2;
  const last = now + long * AHEAD;
  const end = Math.min(middle + long / 2, last);
  return { from: end - long, to: end };
}

/** Shows `factor` times as much; what is at `place` stays there. @param {Range} range @param {number} factor @param {number} place
 * @param {number} now */
export function zoom(range, factor, place, now) {
  const long = Math.min(MOST_MS, Math.max(LEAST_MS, length(range) * factor));
  const from = moment(range, place) - place * long;
  return fit({ from, to: from + long }, now);
}

/** Moves by a part of what is shown. @param {Range} range @param {number} by @param {number} now */
export function pan(range, by, now) {
  const way = by * length(range);
  return fit({ from: range.from + way, to: range.to + way }, now);
}

/** The same length, with a moment in it: near the right end where it had left the range. @param {Range} range @param {number} time
 * @param {number} now */
export function follow(range, time, now) {
  const at = place(range, time);
  if (at >= 0 && at <= 1 - AHEAD / 2) return range;
  return pan(range, at < 0 ? at - 0.2 : at - 0.9, now);
}

/** The range after two fingers, or a wheel, went from places to others. @param {Range} range @param {[number, number]} before
 * @param {[number, number]} after @param {number} now */
export function pinch(range, before, after, now) {
  const times = before.map((at) => moment(range, at));
  const apart = after[1] - after[0];
  if (Math.abs(apart) < 0.01) return range;
  const long = (times[1] - times[0]) / apart;
  if (!(long > 0)) return range;
  const held = Math.min(MOST_MS, Math.max(LEAST_MS, long));
  const from = (times[0] + times[1]) / 2 - ((after[0] + after[1]) / 2) * held;
  return fit({ from, to: from + held }, now);
}

/** Whether something was recorded then. @param {Span[]} spans @param {number} time */
export const recorded = (spans, time) => spans.some(({ start, end }) => start <= time && time <= end);

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[5, 10, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7].map((n) => n * DAY),
];

/** The marks of the range, at most `most`, at round times of the clock on the wall. @param {Range} range @param {number} most
 * @param {number} offset What to add to a time to have it as that clock shows it. */
export function ticks({ from, to }, most, offset) {
  const step = STEPS.find((step) => (to - from) / step <= most) ?? 7 * DAY;
  const marks = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) marks.push(at);
  return { step, marks };
}
