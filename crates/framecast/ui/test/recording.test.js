import assert from 'node:assert/strict';
import { test } from 'node:test';

import { words } from '../recording.js';

test('recording is said in plain words', () => {
  const said = (more) => words({ mode: 'manual', since: 0, fault: null, buffered: 0, stored_bytes: 0, ...more });
  assert.equal(said({ state: 'off' }), 'Not recorded');
  assert.equal(said({ state: 'buffering', buffered: 12.7 }), 'Not recorded; the last 12 s are ready');
  assert.match(said({ state: 'recording' }), /^Recording since /);
  assert.equal(said({ state: 'faulted', fault: 'the disk is full' }), "Can't record: the disk is full");
});
