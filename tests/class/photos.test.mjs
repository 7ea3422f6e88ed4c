// 000: photos over a bare WebSocket, with the same sketch and page on a server of their own and on ours.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateSync, crc32 } from 'node:zlib';
import { fileURLToPath } from 'node:url';

import WebSocket from 'ws';

import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { blocks, project, server, tell } from '../harness/seeds.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

// The page of p5's own template: the text has only what it loads.
const PAGE = `<!DOCTYPE html><html lang="es"><head><meta charset="utf-8"><script src="p5.min.js"></script></head>
<body><main></main><script src="sketch.js"></script></body></html>`;
const P5 = readFileSync(fileURLToPath(new URL('../node_modules/p5/lib/p5.min.js', import.meta.url)));

// Our own of the same kind, for where there are no others.
const SKETCH = `
let capture, socket, photoGallery = [];
function setup() {
  createCanvas(640, 480);
  socket = new WebSocket('ws://' + location.host);
  socket.onmessage = ({ data }) => loadImage(URL.createObjectURL(data), (img) => {
    photoGallery.push({ img, timestamp: new Date().toLocaleTimeString() });
  });
  capture = createCapture(VIDEO);
  capture.size(320, 240);
  createButton('Tomar Foto').mousePressed(() => {
    const photo = capture.get();
    photo.canvas.toBlob((blob) => socket.send(blob), 'image/jpeg', 0.85);
  });
  createFileInput(({ file }) => socket.send(file));
}
function draw() { photoGallery.forEach(({ img }, n) => image(img, 0, n * 100)); }`;
const SERVER = `
const { createServer } = require('http');
const { readFileSync } = require('fs');
const WebSocket = require('ws');
const http = createServer(({ url }, answer) => {
  try {
    const file = url === '/' ? '/index.html' : url;
    answer.setHeader('content-type', file.endsWith('.js') ? 'text/javascript' : 'text/html');
    answer.end(readFileSync('public' + file));
  } catch { answer.writeHead(404).end(); }
});
const wss = new WebSocket.Server({ server: http });
wss.on('connection', (ws) => ws.on('message', (message) => {
  wss.clients.forEach((client) => client !== ws && client.send(message));
}));
http.listen(process.env.PORT);`;

const code = blocks('000');
const [sketch, serverCode] = code ?? [SKETCH, SERVER];
const root = project({ 'server.js': serverCode, 'public/sketch.js': sketch, 'public/index.html': PAGE, 'public/p5.min.js': P5 });

/** A PNG of one colour. */
function png(width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8);
  const rows = Buffer.alloc(height * (1 + 3 * width), 120);
  for (let y = 0; y < height; y++) rows[y * (1 + 3 * width)] = 0;
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

let browser;

before(async () => {
  browser = await launch(FAKE_CAMERA);
});

after(() => browser?.close());

/** What two pupils see of each other: the size of each photo that came, and whether it has a time. */
async function lesson(url) {
  const pupils = [];
  for (let n = 0; n < 2; n++) {
    const context = await browser.newContext({ permissions: ['camera'] });
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForFunction(() => socket?.readyState === 1 && capture.elt.videoWidth > 0 && capture.loadedmetadata);
    pupils.push(page);
  }
  const [ana, beto] = pupils;
  const seen = (page) => page.evaluate(() => photoGallery.map(({ img, timestamp }) => {
    return { width: img.width, height: img.height, timed: /\d+:\d\d/.test(timestamp) };
  }));
  await ana.getByRole('button', { name: 'Tomar Foto' }).click();
  await until('the photo is there', async () => (await seen(beto)).length === 1);
  await beto.locator('input[type=file]').setInputFiles({ name: 'sol.png', mimeType: 'image/png', buffer: png(64, 48) });
  await until('the file is there', async () => (await seen(ana)).length === 1);
  const all = [await seen(ana), await seen(beto)];
  for (const page of pupils) await page.context().close();
  return all;
}

test('two pupils see the same of each other as on a server of their own, and the house keeps it', async (t) => {
  tell(t, code);
  const theirs = await server(root, 'server.js');
  t.after(() => theirs.stop());
  const expected = await lesson(theirs.url);
  assert.deepEqual(expected[0], [{ width: 64, height: 48, timed: true }]);

  const vitrina = await Vitrina.start(['class', join(root, 'public'), '--http', '0', '--tcp', '0'], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  assert.deepEqual(await lesson(vitrina.class.http.href), expected);
  const photos = async () => (await fetch(`${vitrina.wall}api/photos`)).json();
  const kept = await until('both are photos', async () => (await photos()).length === 2 && photos());
  assert.deepEqual(kept.map(({ type }) => type).sort(), ['image/jpeg', 'image/png']);
});

test('a message of 10 MiB passes, a longer one ends its sender only, and --no-keep keeps nothing', async (t) => {
  const vitrina = await Vitrina.start(['class', '--http', '0', '--tcp', '0', '--no-keep'], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  const enter = async (path) => {
    const socket = new WebSocket(vitrina.class.http.href.replace('http', 'ws') + path, { perMessageDeflate: false });
    socket.heard = [];
    socket.on('message', (data) => socket.heard.push(data));
    await once(socket, 'open');
    return socket;
  };
  // Any path is the same room; only its name makes another.
  const [ana, beto, other] = [await enter('any/path'), await enter(''), await enter('?room=aula-2')];
  ana.send(png(32, 32));
  ana.send(Buffer.alloc(10 * 1024 * 1024, 7));
  await until('both came', () => beto.heard.length === 2, { limit: 20_000 });
  const json = JSON.stringify({ datos: 'x'.repeat(50e6) });
  const closed = once(ana, 'close');
  ana.send(json, () => {});
  const [status, why] = await closed;
  assert.equal(status, 1009, `${why}`);
  const carla = await enter('');
  carla.send('aquí sigo');
  await until('the others go on', () => `${beto.heard.at(-1)}` === 'aquí sigo');
  assert.deepEqual([other.heard.length, beto.heard.length], [0, 3]);
  assert.deepEqual(await (await fetch(`${vitrina.wall}api/photos`)).json(), []);
});
