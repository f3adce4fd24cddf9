// The player of a camera's page: its buttons, its keys and its timeline, around the picture that the page has anyway.
// What to do when is in playback.js.

import { span } from './condition.js';
import { wish } from './keys.js';
import { clock, isLive, LIVE, next } from './playback.js';
import { Refused, Sessions } from './sessions.js';
import { said, Timeline } from './timeline.js';

const LOOK_MS = 1_000;
const JUMP_MS = 10_000;

/** @typedef {import('./framecast.js').FramecastCamera} FramecastCamera */

/** @param {HTMLElement} stage What goes full screen: the picture and the player. @param {FramecastCamera} camera @param {string} api */
export function play(stage, camera, api) {
  return new Player(stage, camera, api);
}

class Player {
  /** @type {import('./playback.js').State} */
  #state = LIVE;
  #offset = 0;
  #isExact = false;
  #stage;
  #camera;
  #sessions;
  /** @type {Timeline | null} */
  #timeline = null;
  #api;

  /** @param {HTMLElement} stage @param {FramecastCamera} camera @param {string} api */
  constructor(stage, camera, api) {
    this.#stage = stage;
    this.#camera = camera;
    this.#api = api;
    this.#sessions = new Sessions(api);
    this.#part('player').hidden = false;
    this.#listen();
    this.#draw();
    setInterval(() => this.#tick(), LOOK_MS);
  }

  /** Something is recorded, or will be: there is a past to go to. */
  reachBack() {
    if (this.#timeline) return;
    for (const part of this.#stage.querySelectorAll('[data-past]')) if (part instanceof HTMLElement) part.hidden = false;
    this.#timeline = new Timeline(this.#part('timeline'), {
      spans: `${this.#api}/recordings/spans`,
      snapshot: new URL('snapshot.jpg', document.baseURI).href,
      now: () => this.#now(),
      heard: (date) => {
        // To the second only: of no use for a clock that is about right.
        if (!this.#isExact && Math.abs(date - Date.now()) > 1_500) this.#offset = date + 500 - Date.now();
      },
      seek: (at) => this.#ask({ at }),
    });
    this.#draw();
  }

  /** When the picture was taken that is shown, by the server's clock. */
  shown() {
    return this.#state.target ?? this.#state.position ?? this.#now();
  }

  #now() {
    return Date.now() + this.#offset;
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#stage.querySelector(`[data-${name}]`));
  }

  #listen() {
    for (const button of this.#stage.querySelectorAll('[data-do]')) {
      button.addEventListener('click', () => this.#do(button.getAttribute('data-do') ?? ''));
    }
    const speed = /** @type {HTMLSelectElement} */ (this.#part('speed'));
    speed.addEventListener('change', () => this.#ask({ speed: Number(speed.value) }));
    const when = /** @type {HTMLInputElement} */ (this.#part('when'));
    when.addEventListener('change', () => when.value && this.#ask({ at: new Date(when.value).getTime() }));
    document.addEventListener('keydown', (event) => {
      const focus = event.target instanceof HTMLElement ? event.target : document.body;
      const wanted = wish(event, focus.tagName, focus.isContentEditable);
      // A key that is held goes on and on, but doesn't pause and play again.
      const isHeld = event.repeat && ['toggle', 'live', 'fullscreen'].includes(wanted ?? '');
      if (wanted && (isHeld || this.#do(wanted))) event.preventDefault();
    });
    const full = this.#stage.querySelector('[data-do=fullscreen]');
    if (full instanceof HTMLElement) full.hidden = !this.#stage.requestFullscreen;

    this.#camera.addEventListener('framecast-picture', (event) => {
      const { session, age, received } = /** @type {CustomEvent<import('./framecast.js').Shown>} */ (event).detail;
      this.#happen({ type: 'pictured', session, captured: this.#now() - (performance.now() - received) - age });
    });
    this.#camera.addEventListener('framecast-playback', (event) => {
      const { view, over, link } = /** @type {CustomEvent<import('./framecast.js').Playing>} */ (event).detail;
      if (view) this.#hear(view);
      if (over) this.#happen({ type: 'over', reason: over });
      if (link && link !== 'open') this.#happen({ type: 'lost' });
    });
    addEventListener('pagehide', () => {
      if (this.#state.session) this.#sessions.end(this.#state.session);
      // The page may come back from the browser's memory, and its session won't.
      this.#happen({ type: 'lost' });
    });
  }

  /** @param {string} wanted @returns {boolean} Whether that is something to do here. */
  #do(wanted) {
    const hasPast = this.#timeline !== null;
    if (wanted === 'toggle') this.#ask({ paused: !this.#state.paused });
    else if (wanted === 'live') this.#happen({ type: 'live' });
    else if (wanted === 'fullscreen') return this.#fullscreen();
    else if (wanted === 'save') void this.#save();
    else if (!hasPast) return false;
    else if (wanted === 'back') this.#ask({ move: -JUMP_MS });
    else if (wanted === 'on') this.#ask({ move: JUMP_MS });
    else if (wanted === 'step-back') this.#ask({ step: -1 });
    else if (wanted === 'step-on') this.#ask({ step: 1 });
    else if (wanted === 'closer') this.#timeline?.zoom(0.5);
    else if (wanted === 'farther') this.#timeline?.zoom(2);
    return true;
  }

  #fullscreen() {
    if (!this.#stage.requestFullscreen) return false;
    const done = document.fullscreenElement ? document.exitFullscreen() : this.#stage.requestFullscreen();
    done.catch(() => {});
    return true;
  }

  /** Saves the picture that is shown, byte for byte as it came. */
  async #save() {
    const { jpeg } = this.#camera;
    const { position, session } = this.#state;
    const time = session === null ? this.#now() : (position ?? this.#now());
    const link = document.createElement('a');
    link.download = `${this.#camera.name}-${new Date(time).toISOString().replaceAll(':', '-')}.jpg`;
    // The plain stream has no bytes to save: the server has the picture.
    const at = session === null ? '' : `?at=${(time / 1_000).toFixed(3)}`;
    link.href = jpeg ? URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' })) : `snapshot.jpg${at}`;
    link.click();
    if (jpeg) setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /** @param {import('./playback.js').Change} change */
  #ask(change) {
    this.#happen({ type: 'ask', change, now: this.#now() });
  }

  /** @param {import('./playback.js').View} view */
  #hear(view) {
    this.#offset = clock(view) - Date.now();
    this.#isExact = true;
    this.#happen({ type: 'reported', view });
  }

  /** @param {import('./playback.js').Event} event */
  #happen(event) {
    const { state, effects } = next(this.#state, event);
    // Every picture is such an event, also live, where it tells nothing new.
    if (state === this.#state && effects.length === 0) return;
    this.#state = state;
    for (const effect of effects) void this.#perform(effect);
    this.#draw();
  }

  /** @param {import('./playback.js').Effect} effect */
  async #perform(effect) {
    if (effect.do === 'end') return this.#sessions.end(effect.session);
    if (effect.do === 'watch') {
      if (effect.session === null) return this.#camera.removeAttribute('session');
      return this.#camera.setAttribute('session', effect.session);
    }
    const { turn } = effect;
    try {
      const asked = effect.do === 'begin' ? this.#sessions.begin(effect.body) : this.#sessions.change(effect.session, effect.body);
      this.#happen({ type: 'answered', turn, view: await asked });
    } catch (error) {
      const { status, message } = error instanceof Refused ? error : { status: 0, message: `${error}` };
      const change = effect.do === 'change' ? effect.change : undefined;
      this.#happen({ type: 'refused', turn, change, status, text: message });
    }
  }

  /** Where only the plain stream gets through, nothing but the API tells where the session stands. */
  async #tick() {
    const { session, busy } = this.#state;
    if (session !== null && !busy && !document.hidden && this.#camera.isPlain) {
      try {
        const view = await this.#sessions.look(session);
        this.#hear(view);
        this.#happen({ type: 'pictured', session, captured: Date.parse(view.position) });
      } catch (error) {
        if (error instanceof Refused && error.status === 404) this.#happen({ type: 'over', reason: error.message });
      }
    }
    this.#draw();
  }

  #draw() {
    const { paused, speed, position, target, line } = this.#state;
    const live = isLive(this.#state);
    const at = live ? null : (target ?? position);
    put(this.#part('line'), line);
    const toggle = /** @type {HTMLElement} */ (this.#stage.querySelector('[data-do=toggle]'));
    put(toggle, paused ? 'Play' : 'Pause');
    const back = /** @type {HTMLElement} */ (this.#stage.querySelector('[data-do=live]'));
    put(back, live ? 'Live' : at === null ? 'Go live' : `Go live (${span(Math.max(0, this.#now() - at))} behind)`);
    back.setAttribute('aria-pressed', `${live}`);
    const time = /** @type {HTMLTimeElement} */ (this.#part('time'));
    put(time, at === null ? '' : said(at));
    if (at === null) time.removeAttribute('datetime');
    else time.dateTime = new Date(at).toISOString();
    const menu = /** @type {HTMLSelectElement} */ (this.#part('speed'));
    if (document.activeElement !== menu || live) menu.value = `${speed}`;
    this.#stage.dataset.busy = `${this.#state.busy}`;
    this.#stage.dataset.playing = live ? 'live' : paused ? 'paused' : 'past';
    this.#timeline?.show(at);
  }
}

/** @param {HTMLElement} element @param {string} text */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
