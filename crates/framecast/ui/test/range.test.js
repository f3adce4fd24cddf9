import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fit, follow, LEAST_MS, length, moment, MOST_MS, pan, pinch, place, recorded, ticks, zoom } from '../range.js';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const HOUR = 3_600_000;
const hour = { from: NOON - 3 * HOUR, to: NOON - 2 * HOUR };
const near = (a, b) => assert.ok(Math.abs(a - b) < 1, `${a} is not ${b}`);

test('moments and places are each other’s inverse', () => {
  for (const at of [0, 0.3, 1]) near(place(hour, moment(hour, at)) * 1_000, at * 1_000);
});

test('zoom keeps what is under the pointer, within a minute and a month', () => {
  for (const at of [0, 0.25, 0.9]) near(moment(zoom(hour, 0.5, at, NOON), at), moment(hour, at));
  assert.equal(length(zoom(hour, 1e-9, 0.5, NOON)), LEAST_MS);
  assert.equal(length(zoom(hour, 1e9, 0.5, NOON)), MOST_MS);
});

test('nothing leads far into the future', () => {
  for (const range of [fit({ from: NOON, to: NOON + HOUR }, NOON), pan(hour, 50, NOON), zoom(hour, 100, 0, NOON)]) {
    assert.ok(range.to <= NOON + 0.06 * length(range));
  }
});

test('range follows a moment that leaves it, and stays otherwise', () => {
  assert.equal(follow(hour, NOON - 2.5 * HOUR, NOON), hour);
  for (const time of [NOON - 10 * HOUR, NOON - HOUR, NOON]) {
    const followed = follow(hour, time, NOON);
    near(length(followed), HOUR);
    const at = place(followed, time);
    assert.ok(at > 0.1 && at < 0.99, `${at}`);
  }
});

test('two fingers hold the moments beneath them', () => {
  const apart = pinch(hour, [0.4, 0.6], [0.2, 0.8], NOON);
  near(moment(apart, 0.2), moment(hour, 0.4));
  near(moment(apart, 0.8), moment(hour, 0.6));
  const together = pinch(hour, [0.3, 0.5], [0.5, 0.7], NOON);
  near(moment(together, 0.6), moment(hour, 0.4));
  assert.equal(pinch(hour, [0.5, 0.5], [0.5, 0.5], NOON), hour);
});

test('gaps are known', () => {
  const spans = [
    { start: 10, end: 20 },
    { start: 30, end: 40 },
  ];
  assert.deepEqual([9, 10, 20, 25, 35, 41].map((time) => recorded(spans, time)), [false, true, true, false, true, false]);
});

test('marks are few, and at round times of the clock on the wall', () => {
  for (const long of [LEAST_MS, 7 * 60_000, HOUR, 30 * HOUR, MOST_MS]) {
    const { marks } = ticks({ from: NOON - long, to: NOON }, 8, 5.5 * HOUR);
    assert.ok(marks.length >= 1 && marks.length <= 9, `${marks.length} in ${long}`);
  }
  const { step, marks } = ticks({ from: NOON - 31 * 24 * HOUR, to: NOON }, 8, 5.5 * HOUR);
  assert.ok(marks.every((mark) => (mark + 5.5 * HOUR) % step === 0));
});
