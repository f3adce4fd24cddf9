// <framecast-camera name="door">: the newest picture of a camera, and how new it is.
//
//   name      the camera
//   src       base URL of its server; without it, the server this module came from
//   width     at most this wide, fps: at most this many pictures a second; without them the camera's own
//   adaptive  asks for about the width that is shown
//   session   a session of playback, whose pictures are shown instead of the newest
//
// Tells the page about every change by a `framecast-state` event, about every picture by `framecast-picture`, and about the
// session by `framecast-playback`. Its parts to style: picture, overlay, bar.

import { condition, patience, span, step, usual } from './condition.js';
import { Link } from './link.js';
import { decode, Stream } from './picture.js';
import { sheet } from './look.js';

const HOME = new URL('../', import.meta.url).href;
const TICK_MS = 250;
const RESIZE_MS = 400;

/** @type {Map<string, Link>} */
const links = new Map();
/** @type {Set<FramecastCamera>} */
const cameras = new Set();

/** @param {string} base */
function linkTo(base) {
  let link = links.get(base);
  if (!link) links.set(base, (link = new Link(base)));
  return link;
}

/**
 * @typedef {object} Shown The picture that is shown: of which session, how old at its sending, and when it came by
 * `performance.now()`.
 * @property {string | null} session
 * @property {number} age
 * @property {number} received
 *
 * @typedef {object} Playing What was heard of the session: how it is, that it is over and why, or how the link is.
 * @property {import('./playback.js').View} [view]
 * @property {string} [over]
 * @property {import('./link.js').Status} [link]
 */

export class FramecastCamera extends HTMLElement {
  static observedAttributes = ['name', 'src', 'width', 'fps', 'adaptive', 'session'];

  /** @type {import('./link.js').Watch | null} */
  #watch = null;
  /** @type {Stream | null} */
  #stream = null;
  /** @type {import('./link.js').Status} */
  #link = 'idle';
  /** @type {import('./link.js').State | null} */
  #state = null;
  /** When the newest picture of the camera came, and how old it was at its sending. @type {{ age: number, received: number } | null} */
  #shown = null;
  /** Whether the newest frame was a picture of the camera. @type {boolean | null} */
  #live = null;
  /** The picture that is shown. @type {Uint8Array<ArrayBuffer> | null} */
  #jpeg = null;
  /** The usual time between frames, once two have come. */
  #interval = 0;
  /** When the frame before came, unless there was a break. @type {number | null} */
  #before = null;
  #inSight = false;
  /** @type {number | undefined} */
  #ticks;
  /** @type {number | undefined} */
  #resize;
  #told = '';
  #canvas;
  #image;
  #overlay;
  #rate;
  #age;
  #title;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet()];
    root.innerHTML = `
      <canvas part="picture" width="16" height="9"></canvas>
      <img part="picture" alt="" hidden>
      <p part="overlay"></p>
      <div part="bar" aria-live="off"><i></i><b></b><span><em></em><time></time></span></div>`;
    this.#canvas = /** @type {HTMLCanvasElement} */ (root.querySelector('canvas'));
    this.#image = /** @type {HTMLImageElement} */ (root.querySelector('img'));
    this.#overlay = /** @type {HTMLElement} */ (root.querySelector('p'));
    this.#title = /** @type {HTMLElement} */ (root.querySelector('b'));
    this.#rate = /** @type {HTMLElement} */ (root.querySelector('em'));
    this.#age = /** @type {HTMLElement} */ (root.querySelector('time'));
  }

  get name() {
    return this.getAttribute('name') ?? '';
  }

  get base() {
    const { href } = new URL(this.getAttribute('src') ?? HOME, document.baseURI);
    return href.endsWith('/') ? href : `${href}/`;
  }

  connectedCallback() {
    if (!this.hasAttribute('role')) this.setAttribute('role', 'img');
    cameras.add(this);
    sight.observe(this);
    sizes.observe(this);
    this.#draw();
  }

  disconnectedCallback() {
    cameras.delete(this);
    sight.unobserve(this);
    sizes.unobserve(this);
    this.#inSight = false;
    this.update();
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected) return;
    if (name === 'name' || name === 'src') {
      this.#stop();
      this.#shown = this.#live = this.#state = this.#jpeg = null;
      this.#interval = 0;
      // Setting the size clears it.
      [this.#canvas.width, this.#canvas.height] = [16, 9];
      this.update();
    } else {
      // The pace of the newest pictures is not that of the recorded ones.
      if (name === 'session') this.#before = this.#state = null;
      this.#watch?.change(this.#want());
      if (this.#stream) this.#replaceStream();
      this.#draw();
    }
  }

  /** @param {boolean} inSight */
  sighted(inSight) {
    this.#inSight = inSight;
    this.update();
  }

  resized() {
    clearTimeout(this.#resize);
    this.#resize = setTimeout(() => {
      const want = this.#want();
      if (this.#watch && want.width !== this.#watch.want.width) this.#watch.change(want);
    }, RESIZE_MS);
  }

  /** Watches while the picture can be seen, and only then. */
  update() {
    const wanted = this.isConnected && this.#inSight && !document.hidden && this.name !== '';
    if (!wanted) return this.#stop();
    if (this.#watch) return;
    this.#watch = linkTo(this.base).watch(this.#want(), {
      show: (frame) => this.#show(frame),
      state: (state) => {
        this.#state = state;
        if (state.playback) this.#hear({ view: state.playback });
        else if (this.#session && state.state === 'refused') this.#hear({ over: state.reason ?? 'the server refuses it' });
        this.#draw();
        this.#tell();
      },
      link: (status) => {
        this.#link = status;
        this.#hear({ link: status });
        if (status !== 'open') this.#before = null;
        if (status === 'blocked') this.#stream ?? this.#replaceStream();
        else if (status === 'open' || status === 'locked') this.#endStream();
        this.#draw();
      },
    });
    this.#ticks = setInterval(() => this.#draw(), TICK_MS);
  }

  #stop() {
    clearInterval(this.#ticks);
    this.#watch?.close();
    this.#watch = null;
    this.#endStream();
    this.#link = 'idle';
    // Unwatched, a session may end.
    this.#hear({ link: 'idle' });
    this.#before = null;
    this.#draw();
  }

  /** @returns {import('./link.js').Want} */
  #want() {
    const number = (/** @type {string} */ name) => Number(this.getAttribute(name)) || undefined;
    const most = number('width');
    const fits = this.hasAttribute('adaptive') ? step(this.clientWidth * devicePixelRatio) : undefined;
    const width = most && fits ? Math.min(most, fits) : (most ?? fits);
    return { camera: this.name, width, fps: number('fps'), session: this.#session ?? undefined };
  }

  /** @param {import('./link.js').Frame} frame */
  async #show(frame) {
    // The server's "no signal" picture is for those who cannot say it in words.
    const [watch, session] = [this.#watch, this.#session];
    const picture = frame.live ? await decode(frame.jpeg) : null;
    if (watch && watch === this.#watch && session === this.#session) {
      this.#live = frame.live;
      if (picture) this.#paint(picture, frame);
      if ((this.dataset.mood === 'live') !== frame.live) this.#draw();
    }
    picture?.close();
  }

  /** @param {import('./picture.js').Picture} picture @param {import('./link.js').Frame} frame */
  #paint(picture, { age, received, jpeg }) {
    if (this.#canvas.width !== picture.width) this.#canvas.width = picture.width;
    if (this.#canvas.height !== picture.height) this.#canvas.height = picture.height;
    this.#canvas.getContext('2d', { alpha: false })?.drawImage(picture.source, 0, 0);
    if (this.#before !== null) this.#interval = usual(this.#interval, received - this.#before);
    this.#before = received;
    this.#shown = { age, received };
    this.#jpeg = jpeg;
    this.#send('framecast-picture', { session: this.#session, age, received });
  }

  get #session() {
    return this.getAttribute('session');
  }

  /** The picture that is shown, as it came; null where it is not known, as in the plain stream. */
  get jpeg() {
    return this.#stream ? null : this.#jpeg;
  }

  /** Whether it shows the plain stream, for want of a WebSocket. */
  get isPlain() {
    return this.#stream !== null;
  }

  #replaceStream() {
    this.#endStream();
    this.#stream = new Stream(this.#image, this.base, this.#want(), () => this.#draw());
    this.#canvas.hidden = true;
  }

  #endStream() {
    this.#stream?.close();
    this.#stream = null;
    this.#canvas.hidden = false;
  }

  /** What is known now; also the detail of the event. */
  get status() {
    const since = this.#shown && performance.now() - this.#shown.received;
    const interval = this.#interval || (this.#state?.fps ? 1_000 / this.#state.fps : 0);
    const now = this.#stream
      ? this.#stream.condition
      : condition({ link: this.#link, state: this.#state, live: this.#live, since, patience: patience(interval), past: this.#session !== null });
    return {
      name: this.name,
      ...now,
      state: this.#state?.state ?? null,
      reason: this.#state?.reason ?? null,
      viewers: this.#state?.viewers ?? null,
      size: this.#state?.size ?? null,
      device: this.#state?.device ?? null,
      rate: this.#interval && since !== null ? 1_000 / Math.max(this.#interval, since) : null,
      age: this.#shown && since !== null && !this.#stream ? this.#shown.age + since : null,
    };
  }

  #draw() {
    const { name, mood, text, rate, age } = this.status;
    this.dataset.mood = mood;
    const seen = mood === 'live' || mood === 'past' || mood === 'unknown';
    this.#overlay.hidden = seen;
    put(this.#overlay, text);
    if (this.#link === 'locked') this.#offerLogin(text);
    put(this.#title, name);
    put(this.#rate, mood === 'live' && rate ? `${rate.toFixed(rate < 10 ? 1 : 0)} fps · ` : '');
    const since = age === null ? text : mood === 'past' ? `${text} · ${span(age)} ago` : span(age);
    put(this.#age, seen ? since : '');
    const told = `${name}: ${text}`;
    if (this.#told === told) return;
    this.#told = told;
    this.setAttribute('aria-label', told);
    this.#tell();
  }

  /** Leads to the login page and back. @param {string} text */
  #offerLogin(text) {
    if (this.#overlay.firstElementChild) return;
    const page = location.href.split('#')[0] ?? '';
    const next = page.startsWith(this.base) ? page.slice(this.base.length) : '';
    const way = document.createElement('a');
    way.href = `${this.base}login?next=${encodeURIComponent(next)}`;
    way.target = next ? '_self' : '_blank';
    way.textContent = text;
    this.#overlay.replaceChildren(way);
  }

  #tell() {
    this.#send('framecast-state', this.status);
  }

  /** @param {Playing} heard */
  #hear(heard) {
    this.#send('framecast-playback', heard);
  }

  /** @param {string} event @param {object} detail */
  #send(event, detail) {
    this.dispatchEvent(new CustomEvent(event, { bubbles: true, composed: true, detail }));
  }
}

/** Touches the page only where something changed. @param {HTMLElement} element @param {string} text */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const sight = new IntersectionObserver(
  (entries) => entries.forEach(({ target, isIntersecting }) => /** @type {FramecastCamera} */ (target).sighted(isIntersecting)),
  { rootMargin: '100px' },
);
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => /** @type {FramecastCamera} */ (target).resized()));

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) links.forEach((link) => link.wake());
  cameras.forEach((camera) => camera.update());
});
addEventListener('online', () => links.forEach((link) => link.wake()));
addEventListener('pagehide', () => links.forEach((link) => link.rest()));
addEventListener('pageshow', () => links.forEach((link) => link.wake()));

customElements.define('framecast-camera', FramecastCamera);
