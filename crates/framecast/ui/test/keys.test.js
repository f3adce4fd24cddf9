import assert from 'node:assert/strict';
import { test } from 'node:test';

import { wish } from '../keys.js';

test('keys play, step and move', () => {
  const wishes = [' ', 'ArrowLeft', 'ArrowRight', ',', '.', 'l', 'L', 'f', 'x'].map((key) => wish({ key }, 'BODY', false));
  assert.deepEqual(wishes, ['toggle', 'back', 'on', 'step-back', 'step-on', 'live', 'live', 'fullscreen', null]);
});

test('no key acts while somebody types, or is the browser’s own', () => {
  for (const tag of ['INPUT', 'SELECT', 'TEXTAREA']) assert.equal(wish({ key: 'l' }, tag, false), null);
  assert.equal(wish({ key: 'l' }, 'DIV', true), null);
  for (const held of ['ctrlKey', 'altKey', 'metaKey']) assert.equal(wish({ key: 'l', [held]: true }, 'BODY', false), null);
});

test('space presses the button that has the focus', () => {
  assert.equal(wish({ key: ' ' }, 'BUTTON', false), null);
  assert.equal(wish({ key: 'l' }, 'BUTTON', false), 'live');
});
