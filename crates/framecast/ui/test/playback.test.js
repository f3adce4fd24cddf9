import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isLive, LIVE, merged, next } from '../playback.js';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const view = (more = {}) => ({
  session: 'first-session',
  live: false,
  paused: false,
  speed: 1,
  position: '2026-11-20T11:59:00.000Z',
  behind_seconds: 60,
  ...more,
});

/** What happens one after the other: the last state, and all effects. */
function after(events, state = LIVE) {
  const effects = [];
  for (const event of events) {
    const done = next(state, event);
    state = done.state;
    effects.push(...done.effects);
  }
  return { state, effects };
}

const asked = (change) => ({ type: 'ask', change, now: NOON });
const answered = (turn, more) => ({ type: 'answered', turn, view: view(more) });
const refused = (turn, status, change) => ({ type: 'refused', turn, status, text: 'no', change });
const past = after([asked({ at: NOON - 60_000 }), answered(1)]).state;
const done = ({ effects }) => effects.map((effect) => effect.do);

test('live has no session until somebody leaves it', () => {
  for (const change of [{ paused: false }, { speed: 2 }, { speed: 1 }, { move: 10_000 }, { at: NOON + 5 }]) {
    const { state, effects } = after([asked(change)]);
    assert.ok(isLive(state), JSON.stringify(change));
    assert.deepEqual(effects, []);
  }
  const bodies = (change) => after([asked(change)]).effects.map(({ body }) => body);
  assert.deepEqual(bodies({ at: NOON - 5_000 }), [{ at: NOON / 1_000 - 5 }]);
  assert.deepEqual(bodies({ move: -10_000 }), [{ at: '-10s' }]);
  assert.deepEqual(bodies({ paused: true }), [{ paused: true }]);
  assert.deepEqual(bodies({ speed: -2 }), [{ speed: -2 }]);
});

test('session is watched once it has begun, and let go on the way back', () => {
  const begun = after([asked({ at: NOON - 60_000 }), answered(1)]);
  assert.deepEqual(done(begun), ['begin', 'watch']);
  assert.equal(begun.state.position, NOON - 60_000);
  const back = after([{ type: 'live' }], past);
  assert.deepEqual(back.effects, [
    { do: 'watch', session: null },
    { do: 'end', session: 'first-session' },
  ]);
  assert.ok(isLive(back.state));
});

test('step back from live pauses first', () => {
  const { effects, state } = after([asked({ step: -1 }), answered(1, { paused: true }), answered(2, { paused: true })]);
  assert.deepEqual(effects.map(({ body }) => body).filter(Boolean), [{ paused: true }, { step: -1 }]);
  assert.ok(state.paused && !state.busy);
});

test('one request is under way, and of places to go the last one counts', () => {
  const { state, effects } = after(
    [1, 2, 3, 4].map((second) => asked({ at: NOON - second * 10_000 })),
    past,
  );
  assert.deepEqual(effects.map(({ body }) => body), [{ at: NOON / 1_000 - 10 }]);
  assert.deepEqual(state.queue, [{ at: NOON - 40_000 }]);
  assert.equal(state.target, NOON - 40_000);
  const rest = after([answered(2), answered(3)], state);
  assert.deepEqual(rest.effects.map(({ body }) => body), [{ at: NOON / 1_000 - 40 }]);
  assert.equal(rest.state.target, null);
});

test('wishes of the same kind add up, and keep their order otherwise', () => {
  assert.deepEqual(merged([{ move: 10 }], { move: -30 }), [{ move: -20 }]);
  assert.deepEqual(merged([{ step: 1 }], { step: 1 }), [{ step: 2 }]);
  assert.deepEqual(merged([{ at: 500 }], { move: -30 }), [{ at: 470 }]);
  assert.deepEqual(merged([{ at: 500 }], { step: 1 }), [{ at: 500 }, { step: 1 }]);
  assert.deepEqual(merged([{ at: 500, paused: true }, { step: 1 }], { at: 9 }), [{ at: 9, paused: true }]);
  assert.deepEqual(merged([{ speed: 2 }], { paused: true }), [{ speed: 2, paused: true }]);
  assert.deepEqual(merged([{ step: 1 }], { paused: false }), [{ step: 1 }, { paused: false }]);
});

test('every queued wish is one the server takes: one place, and no step that plays', () => {
  const wishes = [{ at: 9_000 }, { move: -7 }, { step: 2 }, { paused: true }, { paused: false }, { speed: -1 }];
  let seed = 1;
  const random = (most) => (seed = (seed * 48_271) % 2_147_483_647) % most;
  for (let round = 0; round < 2_000; round++) {
    let queue = [];
    for (let count = 0; count < 6; count++) queue = merged(queue, wishes[random(wishes.length)]);
    for (const change of queue) {
      const places = ['at', 'move', 'step'].filter((place) => place in change);
      assert.ok(places.length <= 1, JSON.stringify(queue));
      assert.ok(!('step' in change && change.paused === false), JSON.stringify(queue));
    }
  }
});

test('answer that nobody waits for any more changes nothing, and its session is let go', () => {
  const { state, effects } = after([asked({ move: -10_000 }), { type: 'live' }, answered(1)]);
  assert.ok(isLive(state));
  assert.deepEqual(done({ effects }), ['begin', 'end']);
});

test('playing on to now is live again', () => {
  const { state, effects } = after([{ type: 'reported', view: view({ live: true }) }], past);
  assert.ok(isLive(state));
  assert.deepEqual(done({ effects }), ['watch', 'end']);
});

test('session that a restart has lost is begun anew where it stood', () => {
  const paused = after([asked({ paused: true }), answered(2, { paused: true, speed: 0.5 })], past).state;
  const { state, effects } = after(
    [{ type: 'lost' }, { type: 'reported', view: view({ live: true }) }, answered(3, { session: 'second-session', paused: true })],
    paused,
  );
  assert.deepEqual(effects[0].body, { paused: true, speed: 0.5, at: NOON / 1_000 - 60 });
  assert.deepEqual(effects.slice(1), [
    { do: 'watch', session: 'second-session' },
    { do: 'end', session: 'first-session' },
  ]);
  assert.ok(state.paused && !state.doubtful);
});

test('session that came through a break goes on', () => {
  const { state, effects } = after([{ type: 'lost' }, { type: 'reported', view: view() }], past);
  assert.deepEqual(effects, []);
  assert.equal(state.doubtful, false);
});

test('what is asked before the session is heard of again begins it anew', () => {
  const { effects } = after([{ type: 'lost' }, asked({ move: -10_000 })], past);
  assert.deepEqual(effects.map(({ body }) => body), [{ paused: false, speed: 1, at: NOON / 1_000 - 70 }]);
});

test('space pressed twice plays again, however slow the server is', () => {
  const press = (state) => after([asked({ paused: !state.paused })], state);
  for (const start of [LIVE, past]) {
    const twice = press(press(start).state).state;
    assert.deepEqual(twice.queue, [{ paused: false }]);
  }
});

test('session that has ended is begun anew with what was asked, once', () => {
  const change = { move: -10_000 };
  const { state, effects } = after([asked(change), refused(2, 404, change), refused(3, 404)], past);
  assert.deepEqual(effects[1].body, { paused: false, speed: 1, at: NOON / 1_000 - 70 });
  assert.deepEqual(done({ effects }), ['change', 'begin', 'watch', 'end']);
  assert.ok(isLive(state));
  assert.equal(state.line, 'no');
});

test('what is refused is said, and the picture stays until something else is asked', () => {
  const change = { at: NOON - 1_000 };
  const { state, effects } = after([asked(change), refused(2, 503, change)], past);
  assert.deepEqual(done({ effects }), ['change']);
  assert.equal(state.session, 'first-session');
  assert.equal(state.line, 'no');
  assert.ok(!state.busy && state.target === null);
  assert.equal(after([asked({ paused: true })], state).state.line, '');
});

test('refused beginning stays live and says why', () => {
  const { state } = after([asked({ move: -10_000 }), refused(1, 404)]);
  assert.ok(isLive(state));
  assert.equal(state.line, 'no');
});

test('session that is over is live again, with a line', () => {
  const { state, effects } = after([{ type: 'over', reason: 'the session is over' }], past);
  assert.ok(isLive(state));
  assert.equal(state.line, 'Playback ended: the session is over');
  assert.deepEqual(done({ effects }), ['watch', 'end']);
});

test('position is that of the pictures while it plays, and of the session while it is paused', () => {
  const pictured = (captured, session = 'first-session') => ({ type: 'pictured', session, captured });
  assert.equal(after([pictured(NOON - 59_900)], past).state.position, NOON - 59_900);
  assert.equal(after([pictured(NOON, null), pictured(NOON, 'other')], past).state.position, NOON - 60_000);
  const paused = after([asked({ paused: true }), answered(2, { paused: true }), pictured(NOON)], past).state;
  assert.equal(paused.position, NOON - 60_000);
});
