// From bytes to something that can be drawn, and the plain stream for where no WebSocket gets through.

import { backoff } from './link.js';

/**
 * @typedef {object} Picture
 * @property {CanvasImageSource} source
 * @property {number} width
 * @property {number} height
 * @property {() => void} close
 */

/** @param {Uint8Array<ArrayBuffer>} jpeg @returns {Promise<Picture>} */
export async function decode(jpeg) {
  const blob = new Blob([jpeg], { type: 'image/jpeg' });
  if (typeof createImageBitmap === 'function') {
    const source = await createImageBitmap(blob);
    return { source, width: source.width, height: source.height, close: () => source.close() };
  }
  const source = new Image();
  source.src = URL.createObjectURL(blob);
  try {
    await source.decode();
  } finally {
    URL.revokeObjectURL(source.src);
  }
  return { source, width: source.naturalWidth, height: source.naturalHeight, close: () => {} };
}

const RENEW_MS = 10_000;

/** A multipart stream in an <img>. Nothing tells how old its picture is, and no browser says when the stream has ended,
 * so it is asked for anew every few seconds; meanwhile the former goes on. */
export class Stream {
  /** @type {import('./condition.js').Condition} */
  condition = { mood: 'waiting', text: 'connecting…' };
  #image;
  #url;
  #failures = 0;
  #asked = 0;
  /** @type {number | undefined} */
  #timer;

  /** @param {HTMLImageElement} image @param {string} base @param {import('./link.js').Want} want @param {() => void} changed */
  constructor(image, base, want, changed) {
    const url = new URL(`cameras/${encodeURIComponent(want.camera)}/stream.mjpg`, base);
    if (want.width) url.searchParams.set('width', `${want.width}`);
    if (want.fps) url.searchParams.set('fps', `${want.fps}`);
    if (want.session) url.searchParams.set('session', want.session);
    this.#url = url;
    this.#image = image;
    image.onload = () => {
      this.#failures = 0;
      this.condition = { mood: 'unknown', text: 'age unknown' };
      changed();
    };
    image.onerror = () => {
      this.condition = { mood: 'stale', text: 'reconnecting…' };
      changed();
      this.#load(backoff(this.#failures++, Math.random()));
    };
    image.hidden = false;
    this.#load(0);
  }

  /** @param {number} wait */
  #load(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#url.searchParams.set('n', `${this.#asked++}`);
      this.#image.src = this.#url.href;
      this.#load(RENEW_MS);
    }, wait);
  }

  close() {
    clearTimeout(this.#timer);
    this.#image.onload = this.#image.onerror = null;
    // Only another source ends a multipart stream in every browser.
    this.#image.src = 'data:,';
    this.#image.hidden = true;
  }
}
