// The timeline of a camera: what was recorded, where the picture stands, and where to go. What a gesture means in times is in
// range.js; when to ask for what, here.

import { fit, follow, length, moment, pan, pinch, place, recorded, ticks, zoom } from './range.js';
import { ask } from './sessions.js';

const FIRST_MS = 3_600_000;
const RENEW_MS = 5_000;
const SETTLED_MS = 250;
const THUMB_MS = 150;
const HOLD_MS = 400;
/** A finger never stays quite still. */
const SLOP_PX = 6;

/**
 * @typedef {object} Outside
 * @property {string} spans Where the recorded spans are asked for.
 * @property {string} snapshot Where a picture of a moment is asked for.
 * @property {() => number} now The server's clock.
 * @property {(date: number) => void} heard The server said its time.
 * @property {(time: number) => void} seek
 */

export class Timeline {
  /** @type {import('./range.js').Range} */
  #range;
  /** @type {(import('./range.js').Span & { open: boolean })[]} */
  #spans = [];
  /** @type {number | null} */
  #cursor = null;
  #isFollowing = true;
  /** Where the pointer is, from 0 to 1. @type {number | null} */
  #hover = null;
  /** @type {Map<number, number>} */
  #fingers = new Map();
  #gesture = { x: 0, moved: false, held: false, pinched: false };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #fetching;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #holding;
  #asked = 0;
  #thumb = { busy: false, wanted: /** @type {number | null} */ (null), url: '' };
  #drawing = false;
  #element;
  #canvas;
  #figure;
  #outside;

  /** @param {HTMLElement} element @param {Outside} outside */
  constructor(element, outside) {
    this.#element = element;
    this.#canvas = /** @type {HTMLCanvasElement} */ (element.querySelector('canvas'));
    this.#figure = /** @type {HTMLElement} */ (element.querySelector('figure'));
    this.#outside = outside;
    const now = outside.now();
    this.#range = fit({ from: now - FIRST_MS, to: now }, now);
    this.#listen();
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    setInterval(() => document.hidden || this.#element.hidden || this.#renew(), RENEW_MS);
    void this.#renew();
  }

  /** The position shown; null: live. @param {number | null} cursor */
  show(cursor) {
    this.#cursor = cursor;
    const now = this.#outside.now();
    if (this.#isFollowing && this.#fingers.size === 0) this.#move(follow(this.#range, cursor ?? now, now), true);
    this.#draw();
  }

  /** @param {number} factor */
  zoom(factor) {
    const now = this.#outside.now();
    const at = place(this.#range, this.#cursor ?? now);
    this.#move(zoom(this.#range, factor, at >= 0 && at <= 1 ? at : 0.5, now), true);
  }

  /** @param {import('./range.js').Range} range @param {boolean} isFollowing */
  #move(range, isFollowing) {
    this.#isFollowing = isFollowing;
    if (range.from === this.#range.from && range.to === this.#range.to) return;
    this.#range = range;
    this.#draw();
    clearTimeout(this.#fetching);
    this.#fetching = setTimeout(() => void this.#renew(), SETTLED_MS);
  }

  async #renew() {
    const turn = ++this.#asked;
    const margin = length(this.#range);
    const url = new URL(this.#outside.spans);
    url.searchParams.set('from', `${Math.max(0, this.#range.from - margin) / 1_000}`);
    url.searchParams.set('to', `${(this.#range.to + margin) / 1_000}`);
    try {
      const { said, date } = await ask(url.href);
      this.#outside.heard(date);
      if (turn !== this.#asked) return;
      this.#spans = said.spans.map((/** @type {{ start: number, end: number, open: boolean }} */ { start, end, open }) => ({
        start: start * 1_000,
        end: end * 1_000,
        open,
      }));
      this.#draw();
    } catch {
      // What was known stays; the line of the player tells of what somebody asked for.
    }
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#pointed(event));
    canvas.addEventListener('pointerup', (event) => this.#up(event));
    canvas.addEventListener('pointercancel', (event) => this.#let(event));
    canvas.addEventListener('pointerleave', () => this.#fingers.size === 0 && this.#hovered(null));
    // A long touch shows a picture, not a menu.
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  /** @param {MouseEvent} event */
  #place(event) {
    const { left, width } = this.#canvas.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width)));
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const now = this.#outside.now();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.#move(pan(this.#range, (event.deltaX * lines) / Math.max(1, this.#canvas.clientWidth), now), false);
    } else {
      this.#move(zoom(this.#range, 1.002 ** (event.deltaY * lines), this.#place(event), now), false);
    }
    this.#hovered(this.#place(event));
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, this.#place(event));
    clearTimeout(this.#holding);
    if (this.#fingers.size > 1) {
      this.#gesture.pinched = true;
      return this.#hovered(null);
    }
    this.#gesture = { x: event.clientX, moved: false, held: false, pinched: false };
    if (event.pointerType === 'mouse') return this.#seek(event);
    this.#holding = setTimeout(() => {
      this.#gesture.held = true;
      this.#hovered(this.#place(event));
    }, HOLD_MS);
  }

  /** @param {PointerEvent} event */
  #pointed(event) {
    const at = this.#place(event);
    const before = [...this.#fingers.values()];
    if (!this.#fingers.has(event.pointerId)) return this.#hovered(at);
    this.#fingers.set(event.pointerId, at);
    if (this.#gesture.pinched) {
      const after = [...this.#fingers.values()];
      if (before.length !== 2) return;
      const [left, right] = before[0] < before[1] ? [0, 1] : [1, 0];
      const now = this.#outside.now();
      return this.#move(pinch(this.#range, [before[left], before[right]], [after[left], after[right]], now), false);
    }
    if (Math.abs(event.clientX - this.#gesture.x) > SLOP_PX) this.#gesture.moved = true;
    if (!this.#gesture.moved) return;
    clearTimeout(this.#holding);
    this.#hovered(at);
    // A finger that was held still looks around first.
    if (!this.#gesture.held) this.#seek(event);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const { moved, held, pinched } = this.#gesture;
    if (this.#fingers.has(event.pointerId) && event.pointerType !== 'mouse' && !moved && !held && !pinched) this.#seek(event);
    this.#let(event);
  }

  /** @param {PointerEvent} event */
  #let(event) {
    clearTimeout(this.#holding);
    this.#fingers.delete(event.pointerId);
    if (event.pointerType !== 'mouse') this.#hovered(null);
  }

  /** @param {MouseEvent} event */
  #seek(event) {
    this.#isFollowing = true;
    this.#outside.seek(moment(this.#range, this.#place(event)));
  }

  /** @param {number | null} at */
  #hovered(at) {
    this.#hover = at;
    this.#figure.hidden = at === null;
    this.#draw();
    if (at === null) return;
    const time = moment(this.#range, at);
    const caption = this.#figure.querySelector('figcaption');
    if (caption) caption.textContent = said(time);
    this.#figure.style.left = `clamp(0px, calc(${at * 100}% - 80px), calc(100% - 160px))`;
    void this.#look(time);
  }

  /** Shows the picture of a moment, asking for one at a time: what was wanted meanwhile, comes last. @param {number} time */
  async #look(time) {
    const image = /** @type {HTMLImageElement} */ (this.#figure.querySelector('img'));
    const thumb = this.#thumb;
    thumb.wanted = time;
    if (thumb.busy) return;
    thumb.busy = true;
    while (thumb.wanted !== null) {
      const wanted = thumb.wanted;
      thumb.wanted = null;
      let url = '';
      if (this.#hover !== null && recorded(this.#known(), wanted)) {
        const asked = `${this.#outside.snapshot}?at=${(wanted / 1_000).toFixed(3)}&width=160`;
        const answer = await fetch(asked).catch(() => null);
        if (answer?.ok) url = URL.createObjectURL(await answer.blob());
      }
      if (thumb.url) URL.revokeObjectURL(thumb.url);
      thumb.url = url;
      image.hidden = url === '';
      if (url) image.src = url;
      await new Promise((done) => setTimeout(done, THUMB_MS));
    }
    thumb.busy = false;
  }

  #known() {
    const now = this.#outside.now();
    return this.#spans.map((span) => (span.open ? { ...span, end: now } : span));
  }

  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#paint();
    });
  }

  #paint() {
    const canvas = this.#canvas;
    const [wide, high, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
    const context = canvas.getContext('2d');
    if (!context || wide === 0) return;
    const pixels = [Math.round(wide * ratio), Math.round(high * ratio)];
    // Setting the size clears it, and takes longer than clearing.
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, wide, high);
    const style = getComputedStyle(canvas);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    const now = this.#outside.now();
    const x = (/** @type {number} */ time) => place(this.#range, time) * wide;

    context.fillStyle = colour('--accent');
    context.globalAlpha = 0.55;
    for (const { start, end } of this.#known()) {
      const from = Math.max(0, x(start));
      // What is shorter than a pixel is still there.
      if (x(end) >= 0 && from <= wide) context.fillRect(from, 4, Math.max(1, Math.min(wide, x(end)) - from), high - 22);
    }
    context.globalAlpha = 1;

    context.fillStyle = colour('--quiet');
    context.font = `11px ${style.fontFamily}`;
    const middle = moment(this.#range, 0.5);
    const { step, marks } = ticks(this.#range, wide / 80, -new Date(middle).getTimezoneOffset() * 60_000);
    for (const mark of marks) {
      context.fillRect(x(mark), high - 18, 1, 4);
      const text = label(mark, step);
      const left = x(mark) + 3;
      if (left + context.measureText(text).width < wide) context.fillText(text, left, high - 5);
    }

    context.fillStyle = colour('--ink');
    const cursor = x(this.#cursor ?? now);
    context.fillRect(cursor - 1, 0, 2, high - 14);
    if (this.#hover !== null) context.fillRect(this.#hover * wide, 0, 1, high - 18);

    canvas.setAttribute('aria-valuemin', `${Math.round(this.#range.from / 1_000)}`);
    canvas.setAttribute('aria-valuemax', `${Math.round(this.#range.to / 1_000)}`);
    canvas.setAttribute('aria-valuenow', `${Math.round((this.#cursor ?? now) / 1_000)}`);
    canvas.setAttribute('aria-valuetext', this.#cursor === null ? 'live' : said(this.#cursor));
  }
}

/** @param {number} time @param {number} step */
function label(time, step) {
  const date = new Date(time);
  if (step >= 86_400_000) return date.toLocaleDateString([], { day: 'numeric', month: 'short' });
  const seconds = step < 60_000 ? { second: /** @type {const} */ ('2-digit') } : {};
  return date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', ...seconds });
}

/** A moment in the words of the display. @param {number} time */
export function said(time) {
  return new Date(time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' });
}
