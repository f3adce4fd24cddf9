import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

import { Link, backoff, parse } from '../link.js';

/** @type {FakeSocket[]} */
let sockets;
let locked = false;

class FakeSocket {
  sent = [];
  closed = false;

  constructor(url) {
    this.url = url;
    sockets.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  opens() {
    this.onopen();
  }

  fails() {
    this.onclose?.();
  }

  says(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  brings(id, seq, { live = true, age = 20 } = {}) {
    this.onmessage({ data: binary(id, seq, { live, age }) });
  }

  get watches() {
    return this.sent.filter((message) => message.watch).map((message) => message.watch);
  }

  get acks() {
    return this.sent.filter((message) => message.ack).map((message) => message.ack.seq);
  }
}

function binary(id, seq, { live, age }) {
  const view = new DataView(new ArrayBuffer(18));
  view.setUint8(0, 1);
  view.setUint8(1, live ? 1 : 0);
  view.setUint16(2, id);
  view.setUint32(4, age);
  view.setBigUint64(8, BigInt(seq));
  view.setUint16(16, 0xffd8);
  return view.buffer;
}

/** A viewer that notes what it is told and finishes showing a frame when the test says so. */
function viewer() {
  const notes = { frames: [], states: [], links: [], finish: () => {} };
  return Object.assign(notes, {
    show(frame) {
      notes.frames.push(frame.seq);
      return new Promise((resolve, reject) => Object.assign(notes, { finish: resolve, spoil: reject }));
    },
    state: (state) => notes.states.push(state),
    link: (status) => notes.links.push(status),
  });
}

const link = (base = 'http://cams.example/') => new Link(base, { socket: (url) => new FakeSocket(url), now: Date.now, random: () => 0, locked: async () => locked });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const newest = () => sockets.at(-1);

beforeEach(() => {
  sockets = [];
  locked = false;
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
});

test('address of the WebSocket follows the base of the server', () => {
  for (const [base, url] of [
    ['http://cams.example/', 'ws://cams.example/ws'],
    ['https://cams.example:8443/behind/proxy/', 'wss://cams.example:8443/behind/proxy/ws'],
    ['https://cams.example/behind', 'wss://cams.example/behind/ws'],
  ]) {
    link(base).watch({ camera: 'door' }, viewer());
    assert.equal(newest().url, url);
  }
});

test('cameras share one connection, each under its own id', () => {
  const shared = link();
  shared.watch({ camera: 'door', width: 640 }, viewer());
  newest().opens();
  shared.watch({ camera: 'garden' }, viewer());
  assert.equal(sockets.length, 1);
  assert.deepEqual(newest().watches, [{ id: 1, camera: 'door', width: 640 }, { id: 2, camera: 'garden' }]);
});

test('shown frame is acknowledged once it is shown', async () => {
  const door = viewer();
  link().watch({ camera: 'door' }, door);
  newest().opens();
  newest().brings(1, 7);
  await settled();
  assert.deepEqual([door.frames, newest().acks], [[7], []]);
  door.finish();
  await settled();
  assert.deepEqual(newest().acks, [7]);
});

test('newer frame takes the place of the one that waits', async () => {
  const door = viewer();
  link().watch({ camera: 'door' }, door);
  newest().opens();
  for (const seq of [1, 2, 3, 4]) newest().brings(1, seq);
  assert.deepEqual([door.frames, newest().acks], [[1], [2, 3]]);
  door.finish();
  await settled();
  assert.deepEqual([door.frames, newest().acks], [[1, 4], [2, 3, 1]]);
});

test('picture that cannot be decoded is acknowledged and the next one shown', async () => {
  const door = viewer();
  link().watch({ camera: 'door' }, door);
  newest().opens();
  newest().brings(1, 1);
  newest().brings(1, 2);
  door.spoil(new Error('not a JPEG'));
  await settled();
  assert.deepEqual([door.frames, newest().acks], [[1, 2], [1]]);
});

test('frame of a former size is not shown', async () => {
  const door = viewer();
  const watch = link().watch({ camera: 'door', width: 320 }, door);
  newest().opens();
  watch.change({ camera: 'door', width: 1280 });
  assert.deepEqual(newest().sent.slice(1), [{ unwatch: { id: 1 } }, { watch: { id: 2, camera: 'door', width: 1280 } }]);
  newest().brings(1, 1);
  newest().brings(2, 2);
  assert.deepEqual(door.frames, [2]);
});

test('frame that was shown only after a reconnect is not acknowledged to the new connection', async () => {
  const door = viewer();
  link().watch({ camera: 'door' }, door);
  newest().opens();
  newest().brings(1, 1);
  newest().fails();
  mock.timers.tick(500);
  newest().opens();
  door.finish();
  await settled();
  assert.deepEqual(newest().acks, []);
});

test('lost connection comes back, waiting longer each time, and watches again', () => {
  const door = viewer();
  link().watch({ camera: 'door' }, door);
  newest().opens();
  newest().says({ state: { id: 1, state: 'live' } });
  for (const wait of [500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
    const before = sockets.length;
    newest().fails();
    mock.timers.tick(wait - 1);
    assert.equal(sockets.length, before);
    mock.timers.tick(1);
    assert.equal(sockets.length, before + 1);
  }
  newest().opens();
  assert.equal(newest().watches[0].camera, 'door');
  assert.deepEqual(door.links, ['connecting', 'open', 'lost', 'open']);
});

test('wait before a new attempt is between half a second and ten', () => {
  for (let attempt = 0; attempt < 40; attempt++) {
    for (const random of [0, 0.5, 1]) {
      const wait = backoff(attempt, random);
      assert.ok(wait >= 500 && wait <= 10_000, `${attempt}: ${wait}`);
    }
  }
});

test('network that is back is used at once', () => {
  const shared = link();
  shared.watch({ camera: 'door' }, viewer());
  for (let attempt = 0; attempt < 5; attempt++) {
    newest().fails();
    mock.timers.tick(10_000);
  }
  newest().fails();
  const before = sockets.length;
  shared.wake();
  assert.equal(sockets.length, before + 1);
});

test('page that is shown again trusts no connection that was silent meanwhile', () => {
  const shared = link();
  const door = viewer();
  const watch = shared.watch({ camera: 'door' }, door);
  newest().opens();
  mock.timers.tick(3_000);
  shared.wake();
  assert.deepEqual([sockets.length, sockets[0].closed, door.links.at(-1)], [2, true, 'lost']);
  watch.change({ camera: 'door', width: 640 });
  newest().opens();
  assert.deepEqual(newest().watches, [{ id: 2, camera: 'door', width: 640 }]);
});

test('page that is shown again before the connection was closed watches again', () => {
  const shared = link();
  shared.watch({ camera: 'door' }, viewer()).close();
  newest().opens();
  mock.timers.tick(3_000);
  shared.wake();
  shared.watch({ camera: 'door' }, viewer());
  newest().opens();
  assert.equal(newest().watches.length, 1);
});

test('page that goes away closes the connection at once, and opens it when it is back', () => {
  const shared = link();
  const door = viewer();
  shared.watch({ camera: 'door' }, door);
  newest().opens();
  shared.rest();
  assert.ok(newest().closed);
  mock.timers.tick(60_000);
  assert.equal(sockets.length, 1);
  shared.wake();
  newest().opens();
  assert.deepEqual(door.links, ['connecting', 'open', 'idle', 'connecting', 'open']);
});

test('connection that has gone silent is given up', () => {
  const door = viewer();
  link().watch({ camera: 'door' }, door);
  newest().opens();
  newest().says({ state: { id: 1, state: 'live' } });
  mock.timers.tick(15_000);
  assert.ok(sockets[0].closed);
  assert.equal(door.links.at(-1), 'lost');
});

test('connection that speaks stays', () => {
  link().watch({ camera: 'door' }, viewer());
  newest().opens();
  for (let second = 0; second < 60; second++) {
    mock.timers.tick(1_000);
    newest().says({ state: { id: 1, state: 'live' } });
  }
  assert.equal(sockets.length, 1);
  assert.ok(!newest().closed);
});

test('three failures without ever opening mean that WebSockets are blocked', () => {
  const door = viewer();
  link().watch({ camera: 'door' }, door);
  for (let failure = 0; failure < 3; failure++) {
    newest().fails();
    mock.timers.tick(10_000);
  }
  assert.deepEqual(door.links, ['connecting', 'lost', 'blocked']);
  newest().opens();
  assert.equal(door.links.at(-1), 'open');
});

test('connection that once opened is never called blocked', () => {
  const door = viewer();
  link().watch({ camera: 'door' }, door);
  newest().opens();
  for (let failure = 0; failure < 9; failure++) {
    newest().fails();
    mock.timers.tick(10_000);
  }
  assert.equal(door.links.at(-1), 'lost');
});

test('camera out of sight is not sent, and the connection closes some seconds later', () => {
  const watch = link().watch({ camera: 'door' }, viewer());
  newest().opens();
  watch.close();
  assert.deepEqual(newest().sent.at(-1), { unwatch: { id: 1 } });
  mock.timers.tick(4_999);
  assert.ok(!newest().closed);
  mock.timers.tick(1);
  assert.ok(newest().closed);
  mock.timers.tick(60_000);
  assert.equal(sockets.length, 1);
});

test('camera that comes back into sight in time keeps the connection', () => {
  const shared = link();
  shared.watch({ camera: 'door' }, viewer()).close();
  newest().opens();
  mock.timers.tick(4_000);
  shared.watch({ camera: 'door' }, viewer());
  mock.timers.tick(4_000);
  assert.equal(sockets.length, 1);
  assert.ok(!newest().closed);
});

test('refused camera says why and is asked for again', () => {
  const door = viewer();
  link().watch({ camera: 'dor' }, door);
  newest().opens();
  newest().says({ error: { id: 1, reason: 'no camera is called dor' } });
  assert.deepEqual(door.states, [{ state: 'refused', reason: 'no camera is called dor' }]);
  mock.timers.tick(9_000);
  newest().says({ state: { id: 99, state: 'live' } });
  mock.timers.tick(1_000);
  assert.equal(newest().watches.length, 2);
});

test('message of an unknown version is passed over', () => {
  const message = binary(1, 1, { live: true, age: 0 });
  assert.equal(parse(message, 0).seq, 1);
  new DataView(message).setUint8(0, 2);
  assert.equal(parse(message, 0), null);
  assert.equal(parse(new ArrayBuffer(3), 0), null);
});

test('where one must log in it stops trying until the page is back', async () => {
  const shared = link();
  const door = viewer();
  shared.watch({ camera: 'door' }, door);
  newest().opens();
  locked = true;
  newest().fails();
  await settled();
  assert.deepEqual(door.links, ['connecting', 'open', 'lost', 'locked']);
  mock.timers.tick(60_000);
  await settled();
  assert.equal(sockets.length, 1);
  locked = false;
  shared.wake();
  newest().opens();
  assert.equal(door.links.at(-1), 'open');
});
