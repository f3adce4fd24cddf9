// The keys of the player.

/**
 * @typedef {'toggle' | 'back' | 'on' | 'step-back' | 'step-on' | 'live' | 'fullscreen'} Wish
 *
 * @typedef {object} Pressed
 * @property {string} key
 * @property {boolean} [ctrlKey]
 * @property {boolean} [altKey]
 * @property {boolean} [metaKey]
 */

/** @type {Record<string, Wish>} */
const WISHES = {
  ' ': 'toggle',
  ArrowLeft: 'back',
  ArrowRight: 'on',
  ',': 'step-back',
  '.': 'step-on',
  l: 'live',
  f: 'fullscreen',
};

/** What a key asks for while the focus is on an element of this kind; null where the key is the element's own.
 * @param {Pressed} pressed @param {string} tag @param {boolean} editable @returns {Wish | null} */
export function wish(pressed, tag, editable) {
  if (pressed.ctrlKey || pressed.altKey || pressed.metaKey) return null;
  if (editable || ['INPUT', 'SELECT', 'TEXTAREA'].includes(tag)) return null;
  const wish = WISHES[pressed.key.length === 1 ? pressed.key.toLowerCase() : pressed.key] ?? null;
  // The space bar presses the button that has the focus.
  return wish === 'toggle' && ['BUTTON', 'A', 'SUMMARY'].includes(tag) ? null : wish;
}
