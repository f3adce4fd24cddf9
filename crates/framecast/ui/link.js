// The connection to a framecast server: one WebSocket for all cameras of a page.
// What does not belong here: the DOM. The page's own events reach a link as `wake` and `rest`.

/**
 * @typedef {object} Want What to watch; without width and fps the camera's own.
 * @property {string} camera
 * @property {number} [width]
 * @property {number} [fps]
 * @property {string} [session] A session of playback, instead of the newest pictures.
 *
 * @typedef {object} Frame
 * @property {number} id The watch it belongs to, as the server knows it.
 * @property {boolean} live False for the server's "no signal" picture.
 * @property {number} age Milliseconds from capture to sending.
 * @property {number} received When it came, by the link's clock.
 * @property {number} seq
 * @property {Uint8Array<ArrayBuffer>} jpeg
 *
 * @typedef {object} State What the server says about a camera.
 * @property {string} state
 * @property {string | null} [reason]
 * @property {number} [viewers]
 * @property {number} [fps]
 * @property {string | null} [size]
 * @property {string | null} [device] What the device gives, as in `MJPG 640x480 at 30 frames a second`.
 * @property {import('./playback.js').View & { reason?: string | null }} [playback] The session, if one is watched.
 *
 * @typedef {'idle' | 'connecting' | 'open' | 'lost' | 'blocked' | 'locked'} Status
 * `blocked`: no WebSocket has ever opened here, so a proxy probably forbids them; it goes on trying.
 * `locked`: one must log in; it tries again when the page is back.
 *
 * @typedef {object} Viewer
 * @property {(frame: Frame) => Promise<void> | void} show Called for one frame at a time.
 * @property {(state: State) => void} state
 * @property {(status: Status) => void} link
 *
 * @typedef {object} Outside What a test replaces.
 * @property {(url: string) => WebSocket} [socket]
 * @property {() => number} [now]
 * @property {() => number} [random]
 * @property {() => Promise<boolean>} [locked]
 */

const PROTOCOL = 'framecast.v1';
const HEADER_BYTES = 16;
/** The server reports on every watch about once a second: this long without a word and the connection is dead. */
const SILENCE_MS = 10_000;
const IDLE_MS = 5_000;
const REFUSED_MS = 10_000;
const FAILURES_UNTIL_BLOCKED = 3;

/** How long to wait before attempt `n` (from 0): half a second to ten, the upper half of each step at random.
 * @param {number} n @param {number} random */
export function backoff(n, random) {
  const step = Math.min(10_000, 1_000 * 2 ** Math.min(n, 10));
  return (step / 2) * (1 + random);
}

/** Whether the server wants one to log in first. A refused WebSocket does not say why.
 * @param {string} base */
async function isLocked(base) {
  try {
    return (await fetch(new URL('api/v1/session', base))).status === 401;
  } catch {
    return false;
  }
}

/** Reads a binary message, or null for one of another version.
 * @param {ArrayBuffer} data @param {number} received @returns {Frame | null} */
export function parse(data, received) {
  if (data.byteLength <= HEADER_BYTES) return null;
  const view = new DataView(data);
  if (view.getUint8(0) !== 1) return null;
  return {
    live: (view.getUint8(1) & 1) === 1,
    id: view.getUint16(2),
    age: view.getUint32(4),
    seq: Number(view.getBigUint64(8)),
    received,
    jpeg: new Uint8Array(data, HEADER_BYTES),
  };
}

/** One camera that is being watched. `change` and `close` are all its owner needs. */
export class Watch {
  /** Undefined while the server does not know of this watch. @type {number | undefined} */
  id = undefined;
  /** @type {Frame | null} */
  #waiting = null;
  #busy = false;
  #link;

  /** @param {Link} link @param {Want} want @param {Viewer} viewer */
  constructor(link, want, viewer) {
    this.#link = link;
    this.want = want;
    this.viewer = viewer;
  }

  /** Asks for another size or rate. @param {Want} want */
  change(want) {
    this.want = want;
    this.#waiting = null;
    this.#link.ask(this);
  }

  close() {
    this.#waiting = null;
    this.#link.drop(this);
  }

  /** Shows the frame, or lets it wait in the place of an older one. @param {Frame} frame */
  async offer(frame) {
    if (this.#waiting) this.#link.ack(this, this.#waiting);
    this.#waiting = frame;
    if (this.#busy) return;
    this.#busy = true;
    for (let next; (next = this.#waiting); ) {
      this.#waiting = null;
      try {
        await this.viewer.show(next);
      } catch {
        // A picture that cannot be decoded is skipped like a late one.
      }
      this.#link.ack(this, next);
    }
    this.#busy = false;
  }
}

/** The shared connection. It opens for the first watch, comes back by itself and closes some seconds after the last. */
export class Link {
  /** @type {Status} */
  status = 'idle';
  #url;
  #connect;
  #now;
  #random;
  #locked;
  /** @type {Set<Watch>} */
  #watches = new Set();
  /** @type {Map<number, Watch>} */
  #asked = new Map();
  /** @type {WebSocket | null} */
  #socket = null;
  #nextId = 0;
  #failures = 0;
  #everOpened = false;
  #heard = 0;
  /** The next attempt, or the next check for silence, or the closing when idle. @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {string} base The server's base URL. @param {Outside} [outside] */
  constructor(base, outside = {}) {
    const home = base.endsWith('/') ? base : `${base}/`;
    const url = new URL('ws', home);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#url = url.href;
    this.#connect = outside.socket ?? ((address) => new WebSocket(address, PROTOCOL));
    this.#now = outside.now ?? (() => performance.now());
    this.#random = outside.random ?? Math.random;
    this.#locked = outside.locked ?? (() => isLocked(home));
  }

  /** @param {Want} want @param {Viewer} viewer */
  watch(want, viewer) {
    const watch = new Watch(this, want, viewer);
    this.#watches.add(watch);
    if (this.#socket) this.#listen();
    if (this.status === 'idle') {
      this.#open();
    } else {
      viewer.link(this.status);
      this.ask(watch);
    }
    return watch;
  }

  /** The network or the page is back: tries at once instead of waiting out the backoff. */
  wake() {
    // The page was away for a while, and its connection may have died meanwhile: a new one costs little.
    if (this.#watches.size === 0) return this.rest();
    if (this.#socket && this.#now() - this.#heard > 2_000) {
      this.#end(this.#socket);
      this.#enter('lost');
    }
    if (!this.#socket) this.#open();
  }

  /** The page goes away: closes at once, until `wake`. */
  rest() {
    if (this.#socket) this.#end(this.#socket);
    clearTimeout(this.#timer);
    this.#enter('idle');
  }

  /** Tells the server what a watch wants, always under a new id: frames of the former wish are then known as such.
   * @param {Watch} watch */
  ask(watch) {
    if (this.status !== 'open' || !this.#watches.has(watch)) return;
    this.#forget(watch);
    do this.#nextId = (this.#nextId + 1) & 0xffff;
    while (this.#asked.has(this.#nextId));
    watch.id = this.#nextId;
    this.#asked.set(watch.id, watch);
    this.#send({ watch: { id: watch.id, ...watch.want } });
  }

  /** @param {Watch} watch */
  drop(watch) {
    this.#watches.delete(watch);
    this.#forget(watch);
    if (this.#watches.size > 0) return;
    clearTimeout(this.#timer);
    if (this.#socket) this.#timer = setTimeout(() => this.rest(), IDLE_MS);
    else this.rest();
  }

  /** The frame was shown or passed over: the server may send another. @param {Watch} watch @param {Frame} frame */
  ack(watch, frame) {
    if (watch.id === frame.id) this.#send({ ack: { id: frame.id, seq: frame.seq } });
  }

  /** @param {Watch} watch */
  #forget(watch) {
    if (watch.id === undefined) return;
    this.#asked.delete(watch.id);
    this.#send({ unwatch: { id: watch.id } });
    watch.id = undefined;
  }

  /** @param {object} message */
  #send(message) {
    if (this.status === 'open') this.#socket?.send(JSON.stringify(message));
  }

  #open() {
    clearTimeout(this.#timer);
    if (this.status === 'idle') this.#enter('connecting');
    let socket;
    try {
      socket = this.#connect(this.#url);
    } catch {
      return this.#retry();
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.#everOpened = true;
      this.#enter('open');
      for (const watch of this.#watches) this.ask(watch);
    };
    socket.onmessage = ({ data }) => {
      this.#heard = this.#now();
      this.#failures = 0;
      if (typeof data === 'string') this.#read(data);
      else this.#deliver(data);
    };
    socket.onclose = () => this.#lose(socket);
    this.#heard = this.#now();
    this.#listen();
  }

  /** Gives up a connection that has gone silent, which TCP alone would notice only after minutes. */
  #listen() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#socket && this.#now() - this.#heard >= SILENCE_MS) this.#lose(this.#socket);
      else this.#listen();
    }, SILENCE_MS / 2);
  }

  /** @param {WebSocket} socket */
  #lose(socket) {
    if (socket !== this.#socket) return;
    this.#end(socket);
    if (this.#watches.size === 0) return this.rest();
    this.#retry();
    void this.#ask();
  }

  /** Stops trying where only a login helps. */
  async #ask() {
    const locked = await this.#locked();
    if (!locked || this.status === 'open' || this.#watches.size === 0) return;
    if (this.#socket) this.#end(this.#socket);
    clearTimeout(this.#timer);
    this.#enter('locked');
  }

  #retry() {
    this.#failures += 1;
    const blocked = !this.#everOpened && this.#failures >= FAILURES_UNTIL_BLOCKED;
    this.#enter(blocked ? 'blocked' : 'lost');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), backoff(this.#failures - 1, this.#random()));
  }

  /** @param {WebSocket} socket */
  #end(socket) {
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    for (const watch of this.#asked.values()) watch.id = undefined;
    this.#asked.clear();
  }

  /** @param {Status} status */
  #enter(status) {
    if (status === this.status) return;
    this.status = status;
    for (const watch of this.#watches) watch.viewer.link(status);
  }

  /** @param {ArrayBuffer} data */
  #deliver(data) {
    const frame = parse(data, this.#now());
    const watch = frame && this.#asked.get(frame.id);
    if (watch) watch.offer(frame);
  }

  /** @param {string} text */
  #read(text) {
    const { state, error } = JSON.parse(text);
    const watch = this.#asked.get((state ?? error)?.id);
    if (!watch) return;
    watch.viewer.state(state ?? { state: 'refused', reason: error.reason });
    // A camera that does not exist now may be configured later.
    if (error) setTimeout(() => watch.id === error.id && this.ask(watch), REFUSED_MS);
  }
}
