// A camera's own page: the player, copying, and the details beside the picture.

import { span } from './condition.js';
import { show } from './controls.js';
import { show as showExport } from './export.js';
import { FramecastCamera } from './framecast.js';
import { play } from './player.js';
import { show as showRecording } from './recording.js';

const camera = document.querySelector('framecast-camera');

/** Only this page knows the address it was reached by. */
const stream = new URL('stream.mjpg', document.baseURI).href;
const script = new URL('../../assets/framecast.js', document.baseURI).href;
const name = camera?.getAttribute('name') ?? '';
/** @type {Record<string, string>} */
const texts = {
  stream,
  embed: `<script type="module" src="${script}"></script>\n<framecast-camera name="${name}"></framecast-camera>`,
};

for (const field of document.querySelectorAll('[data-copy]')) {
  const input = field.querySelector('input');
  const button = field.querySelector('button');
  if (!input || !button) continue;
  input.value = texts[field.getAttribute('data-copy') ?? ''] ?? '';
  button.onclick = async () => {
    button.textContent = (await copy(input)) ? 'Copied' : 'Select';
    setTimeout(() => (button.textContent = 'Copy'), 1_500);
  };
}

const api = new URL(`../../api/v1/cameras/${encodeURIComponent(name)}`, document.baseURI).href;
const controls = document.querySelector('[data-controls]');
if (controls instanceof HTMLElement) void show(controls, `${api}/controls`);

const stage = document.querySelector('[data-stage]');
const recording = document.querySelector('[data-recording]');
const taking = document.querySelector('[data-export]');
if (stage instanceof HTMLElement && camera instanceof FramecastCamera) {
  const player = play(stage, camera, api);
  const exporting = taking instanceof HTMLElement ? showExport(taking, api, () => player.shown()) : null;
  if (recording instanceof HTMLElement) showRecording(recording, api, (state, hasPast) => {
    const detail = document.querySelector('[data-detail="recording"]');
    if (detail) detail.textContent = state;
    if (!hasPast) return;
    player.reachBack();
    exporting?.reveal();
  });
}

document.querySelector('[data-copies]')?.removeAttribute('hidden');

/** The clipboard is there on https and localhost only; the old command everywhere. @param {HTMLInputElement} input */
async function copy(input) {
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
    return true;
  } catch {
    return document.execCommand('copy');
  }
}

/** @type {Record<string, (detail: FramecastDetail) => string | number | null>} */
const details = {
  state: ({ mood, text, reason, state }) =>
    mood === 'live' || mood === 'past' ? text : (reason ?? state?.replace('_', ' ') ?? text),
  rate: ({ mood, rate }) => (mood === 'live' && rate ? `${rate.toFixed(1)} fps` : null),
  size: ({ size }) => size?.replace('x', ' × ') ?? null,
  device: ({ device }) => device?.replace('x', ' × ') ?? null,
  age: ({ age }) => (age === null ? null : span(age)),
  viewers: ({ viewers }) => viewers,
};

camera?.addEventListener('framecast-state', (event) => {
  const { detail } = /** @type {CustomEvent<FramecastDetail>} */ (event);
  for (const [key, text] of Object.entries(details)) {
    const place = document.querySelector(`[data-detail="${key}"]`);
    if (place) place.textContent = `${text(detail) ?? '–'}`;
  }
});

/** @typedef {import('./framecast.js').FramecastCamera['status']} FramecastDetail */
