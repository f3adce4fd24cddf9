import assert from 'node:assert/strict';
import { test } from 'node:test';

import { condition, patience, span, step, usual } from '../condition.js';

const fresh = { link: 'open', state: { state: 'live', reason: null }, live: true, since: 40, patience: 2_000 };
const told = (change) => condition({ ...fresh, ...change });

test('fresh picture is live', () => {
  assert.deepEqual(told({}), { mood: 'live', text: 'live' });
});

test('picture that stays is not called live', () => {
  assert.deepEqual(told({ since: 7_300 }), { mood: 'stale', text: 'no picture for 7 s' });
});

test('lost connection says so however fresh the picture', () => {
  assert.deepEqual(told({ link: 'lost' }), { mood: 'stale', text: 'reconnecting…' });
});

test('a login that is needed is said', () => {
  assert.deepEqual(told({ link: 'locked' }), { mood: 'stale', text: 'log in to watch' });
});

test('lost camera says why', () => {
  const state = { state: 'lost', reason: 'unplugged' };
  assert.deepEqual(told({ state }), { mood: 'stale', text: 'unplugged' });
  assert.deepEqual(told({ state: { ...state, reason: null } }), { mood: 'stale', text: 'camera lost' });
});

test('picture that is none is not called live', () => {
  assert.equal(told({ live: false }).mood, 'stale');
});

test('first picture is waited for', () => {
  assert.equal(told({ since: null, live: null }).mood, 'waiting');
});

test('slow camera is given time, and one long gap does not make a fast one slow', () => {
  assert.equal(patience(40), 2_000);
  assert.equal(patience(10_000), 30_000);
  assert.equal(patience(usual(40, 60_000)), 2_000);
  let interval = usual(0, 40);
  for (let frame = 0; frame < 40; frame++) interval = usual(interval, 10_000);
  assert.ok(patience(interval) > 20_000);
});

test('age is said in few words', () => {
  assert.deepEqual([12, 1_240, 7_900, 150_000, 9e6].map(span), ['<0.1 s', '1.2 s', '7 s', '2 min', '2 h']);
});

test('width to ask for is the next step up, or the whole picture', () => {
  assert.deepEqual([300, 320, 700, 2_000].map(step), [320, 320, 960, undefined]);
});

test('recording is never late, and never called live', () => {
  const played = (more) => ({ state: { state: 'live', playback: { live: false, paused: false, ...more } }, past: true, since: 60_000 });
  assert.deepEqual(told(played({})), { mood: 'past', text: 'recorded' });
  assert.deepEqual(told(played({ paused: true })), { mood: 'past', text: 'paused' });
  assert.deepEqual(told(played({ reason: 'the disk is gone' })), { mood: 'stale', text: 'the disk is gone' });
  assert.equal(told(played({ live: true })).mood, 'stale');
  assert.equal(told({ ...played({}), link: 'lost' }).mood, 'stale');
});
