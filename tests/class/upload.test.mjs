// 001: a form and Socket.IO, with the same page on a server of its own and on ours; and Socket.IO for
// whatever pupils send.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { io } from 'socket.io-client';
import WebSocket from 'ws';

import { launch } from '../harness/chromium.mjs';
import { memory } from '../harness/process.mjs';
import { blocks, project, server, tell } from '../harness/seeds.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

// A red pixel.
const GIF = Buffer.from('R0lGODdhAQABAIAAAP8AAP///ywAAAAAAQABAAACAkQBADs=', 'base64');

// Our own of the same kind, for where there are no others.
const PAGE = `<!DOCTYPE html><title>Subir</title><script src="/socket.io/socket.io.js"></script>
<form><input type="file" name="image"><button type="submit">Subir</button></form><div></div>
<script>
  const socket = io();
  const form = document.querySelector('form');
  form.onsubmit = (event) => {
    event.preventDefault();
    fetch('/upload', { method: 'POST', body: new FormData(form) });
  };
  socket.on('imageUploaded', (path) => {
    const img = document.createElement('img');
    img.src = path;
    document.querySelector('div').append(img);
  });
</script>`;
const SERVER = `
const { createServer } = require('http');
const { readFileSync } = require('fs');
const app = require('express')();
const http = createServer(app);
const io = require('socket.io')(http);
const multer = require('multer');
const storage = multer.diskStorage({ destination: 'uploads/', filename: (_, file, done) => done(null, file.originalname) });
app.get('/', (_, answer) => answer.type('html').send(readFileSync('index.html')));
app.post('/upload', multer({ storage }).single('image'), (request, answer) => {
  io.emit('imageUploaded', request.file.path);
  answer.sendStatus(200);
});
http.listen(process.env.PORT);`;

const code = blocks('001');
const [serverCode, page] = code ?? [SERVER, PAGE];
const files = { 'server.js': serverCode, 'uploads/.keep': '', 'index.html': page };

let browser;
let vitrina;

before(async () => {
  browser = await launch();
  const site = project({ 'index.html': page });
  vitrina = await Vitrina.start(['class', site, '--http', '0', '--tcp', '0'], { set: ['node.test_card.show="never"'] });
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

/** What two pupils have on their pages after one has sent a file, and how the form was answered. */
async function lesson(url) {
  const pupils = [];
  for (let n = 0; n < 2; n++) {
    const page = await (await browser.newContext()).newPage();
    await page.goto(url);
    await page.waitForFunction(() => socket.connected);
    pupils.push(page);
  }
  const answered = pupils[0].waitForResponse((answer) => answer.url().endsWith('/upload'));
  await pupils[0].locator('input[type=file]').setInputFiles({ name: 'mi foto.gif', mimeType: 'image/gif', buffer: GIF });
  await pupils[0].locator('button[type=submit]').click();
  const answer = await answered;
  const images = (page) => page.evaluate(async () => {
    const all = [...document.images];
    await Promise.all(all.map((image) => image.decode().catch(() => {})));
    return all.map((image) => ({ src: image.getAttribute('src'), loads: image.naturalWidth > 0 }));
  });
  const seen = [];
  for (const page of pupils) seen.push(await until('the image', async () => (await images(page)).length && images(page)));
  for (const page of pupils) await page.context().close();
  return { status: answer.status(), words: (await answer.text().catch(() => 'OK')).trim(), seen };
}

test('every page gets what one uploads, as on a server of its own; and here it loads', async (t) => {
  tell(t, code);
  const theirs = await server(project(files), 'server.js');
  t.after(() => theirs.stop());
  const expected = await lesson(theirs.url);
  const ours = await lesson(vitrina.class.http.href);
  const without = ({ seen, ...rest }) => ({ ...rest, seen: seen.map((images) => images.map(({ src }) => src)) });
  assert.deepEqual(without(ours), without(expected));
  assert.deepEqual(ours.seen.flat().map(({ loads }) => loads), [true, true]);
  const photos = async () => (await fetch(`${vitrina.wall}api/photos`)).json();
  await until('it is a photo of the house', async () => (await photos()).length === 1);
});

const client = (options = {}) => {
  const socket = io(vitrina.class.http.href, { forceNew: true, reconnection: false, ...options });
  socket.heard = [];
  socket.onAny((...event) => socket.heard.push(event));
  return socket;
};
const connected = (...sockets) =>
  until('all are in', () => sockets.every((socket) => socket.connected));

test('any event goes to all others, whichever way they came', async (t) => {
  const [polls, tries, sockets] = [['polling'], ['polling', 'websocket'], ['websocket']].map((transports) => client({ transports }));
  const apart = io(new URL('/aula', vitrina.class.http).href, { forceNew: true });
  apart.heard = [];
  apart.onAny((...event) => apart.heard.push(event));
  const all = [polls, tries, sockets];
  t.after(() => [...all, apart].forEach((socket) => socket.close()));
  await connected(...all, apart);
  await until('it is a WebSocket', () => tries.io.engine.transport.name === 'websocket');
  const event = ['dibujo', { x: 1.5, color: 'rojo', ñ: [null] }, Buffer.from([0, 255, 30]), 'fin'];
  for (const sender of all) {
    for (const each of all) each.heard.length = 0;
    sender.emit(...event);
    for (const other of all.filter((other) => other !== sender)) {
      await until('it came', () => other.heard.length === 1);
      const [name, facts, bytes, end] = other.heard[0];
      assert.deepEqual([name, facts, Buffer.from(bytes), end], event);
    }
    assert.equal(sender.heard.length, 0);
  }
  assert.equal(apart.heard.length, 0, 'another namespace');
  // Who wants an answer learns that it arrived.
  assert.deepEqual(await polls.timeout(5000).emitWithAck('chat message', 'hola'), undefined);
  await until('in order', () => sockets.heard.at(-1)?.[1] === 'hola');
  for (let n = 0; n < 500; n++) sockets.emit('n', n);
  for (const other of [polls, tries]) {
    await until('all came', () => other.heard.at(-1)?.[1] === 499);
    const numbers = other.heard.filter(([name]) => name === 'n').map(([, n]) => n);
    assert.deepEqual(numbers, [...Array(500).keys()]);
  }
});

test("a pupil's mistakes end nobody else", async (t) => {
  const [ana, beto] = [client({ transports: ['websocket'] }), client({ transports: ['polling'] })];
  t.after(() => [ana, beto].forEach((socket) => socket.close()));
  await connected(ana, beto);
  const before = memory(vitrina.pid);
  // JSON of 50 MB, by either way.
  for (const transports of [['websocket'], ['polling']]) {
    const big = client({ transports });
    await connected(big);
    big.emit('foto', 'x'.repeat(50e6));
    await until('it is closed', () => !big.connected, { limit: 30_000 });
  }
  // What is no Socket.IO, in a Socket.IO connection.
  const url = `${vitrina.class.http.href.replace('http', 'ws')}socket.io/?EIO=4&transport=websocket`;
  for (const said of ['nonsense', '4', '42{"a":1}', '42["a"', '451-["a"]', Buffer.alloc(9), '459999999999-["a",{}]', '2', '\u0000']) {
    const raw = new WebSocket(url);
    let isOpen = true;
    raw.on('close', () => (isOpen = false)).on('error', () => {});
    raw.on('open', () => {
      raw.send('40');
      raw.send(said);
      if (`${said}`.startsWith('451')) raw.send('42["b"]');
    });
    await until(`${said} ends it`, () => !isOpen);
  }
  // An endless loop of sends, to one that sleeps.
  const sleeper = new WebSocket(url);
  await until('it is there', () => sleeper.readyState === WebSocket.OPEN);
  sleeper.send('40');
  sleeper.pause();
  const loop = client({ transports: ['websocket'] });
  await connected(loop);
  const filler = 'y'.repeat(100_000);
  const timer = setInterval(() => {
    for (let n = 0; n < 20 && loop.io.engine.writeBuffer.length < 50; n++) loop.emit('loop', filler);
  }, 5);
  ana.offAny();
  beto.offAny();
  let got = 0;
  ana.on('hola', () => (got += 1));
  for (let n = 1; n <= 5; n++) {
    beto.emit('hola');
    await until('it comes through', () => got >= n, { limit: 10_000 });
    await pause(200);
  }
  clearInterval(timer);
  loop.close();
  sleeper.terminate();
  const grown = (memory(vitrina.pid) - before) / 1e6;
  assert.ok(grown < 200, `it grew by ${grown} MB`);
  // Thousands of reconnects: some are told that there is no room, and then there is room again.
  const statuses = new Map();
  const poll = new URL('socket.io/?EIO=4&transport=polling', vitrina.class.http);
  for (let n = 0; n < 200; n++) {
    const all = await Promise.all(Array.from({ length: 50 }, () => fetch(poll).then(async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    })));
    for (const status of all) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  assert.deepEqual([...statuses.keys()].sort(), [200, 503], 'there is an end');
  assert.ok(ana.connected && beto.connected);
  await until('there is room again', async () => (await fetch(poll)).ok, { limit: 40_000, every: 1000 });
});

test('a form without a file, or with too large a one, is told so', async () => {
  const post = async (body, headers) => fetch(new URL('upload', vitrina.class.http), { method: 'POST', body, headers });
  const form = (name, size) => {
    const data = new FormData();
    data.append(name, new Blob([Buffer.alloc(size)]), 'a.bin');
    return data;
  };
  assert.equal((await post(form('other', 9))).status, 400);
  assert.equal((await post('image=1', { 'content-type': 'application/x-www-form-urlencoded' })).status, 415);
  assert.equal((await post(form('image', 11 * 1024 * 1024))).status, 413);
  // A page that somebody uploads has no rights.
  const data = new FormData();
  data.append('image', new Blob(['<script>alert(1)</script>']), 'x.html');
  assert.equal((await post(data)).status, 200);
  const uploaded = await fetch(new URL('uploads/x.html', vitrina.class.http));
  assert.match(uploaded.headers.get('content-security-policy'), /sandbox/);
  const foreign = await post('image', { origin: 'http://evil.example' });
  assert.equal(foreign.status, 403);
});
