import assert from 'node:assert/strict';
import { test } from 'node:test';

import { address, field, size, told } from '../export.js';

const BASE = 'http://localhost:5000/under/cameras/door/';

test('an export is asked for by its form', () => {
  const wish = { from: 1_000_500, to: 2_000_000, every: '10', fps: '25' };
  const of = (form) => address(BASE, { ...wish, form }).href;
  assert.equal(of('mp4'), `${BASE}export.mp4?from=1000.5&to=2000`);
  assert.equal(of('zip'), `${BASE}export.zip?from=1000.5&to=2000`);
  assert.equal(of('lapse'), `${BASE}export.mp4?from=1000.5&to=2000&every=10s&fps=25`);
});

test('how far it is is told in sizes and, after a while, in time', () => {
  const view = { state: 'running', bytes: 400e6, done_bytes: 100e6, error: null };
  assert.equal(told(view, 500), '100.0 MB of 400.0 MB');
  assert.match(told(view, 10_000), /^100\.0 MB of 400\.0 MB, 30(\.0)? s left$/);
  assert.equal(told({ ...view, done_bytes: 0 }, 10_000), '0 kB of 400.0 MB');
  assert.equal(told({ ...view, state: 'done' }, 10_000), 'Downloaded: 400.0 MB');
});

test('a size has few digits', () => {
  assert.deepEqual([0, 1, 999_000, 1_500_000, 2_340_000_000].map(size), ['0 kB', '1 kB', '999 kB', '1.5 MB', '2.34 GB']);
});

test('a field has the local time, to the second', () => {
  const time = new Date(2026, 10, 20, 12, 34, 56, 789).getTime();
  assert.equal(field(time), '2026-11-20T12:34:56');
  assert.equal(new Date(field(time)).getTime(), time - 789);
});
