// 002: a video conference of pixels as JSON, with the same pages on a relay of their own and on ours.
//
// The text of this system is what its author said, without code: the pages below are written by it, in the order in
// which he has them. What a page here relies on is looked up in the text, where that is there.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.mjs';
import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { project, spoken } from '../harness/seeds.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const SAID = [
  /160 \* 120/, // the canvas
  /json? stringify datos\. datata Esto es lo que voy a enviar/, // the pixels alone, as an object of numbers
  /request Animation frame de todo lo rápido que puedo/, // emisor 003
  /set Time out temporizador dentro de un segundo/, // emisor 004
  /datos imagen punto Data de I es igual a datos de I/, // receptor 002
  /identificadores date\.now/, // each page names itself
  /un objeto que dirá identificador es identificador/,
  /cada una de las personas que se conecten un Canvas y un contexto/, // 006, which he had not finished
  /python 3 002 servidor de sockets/, // the server, which knows nothing of what it carries
  /Puerto 3000/,
];

const CAMERA = `
  navigator.mediaDevices.getUserMedia({ video: true }).then(function (stream) { video.srcObject = stream; })
    .catch(function (error) { console.log(error); });`;

const SEND = (frame, next) => `
<!DOCTYPE html>
<html><head></head><body>
<video id="video" width="160" height="120" autoplay></video>
<canvas id="lienzo" width="160" height="120"></canvas>
<div id="lienzos"></div>
<script>
  // Variables globales
  var video = document.getElementById('video');
  var lienzo = document.getElementById('lienzo');
  var contexto = lienzo.getContext('2d');
  const identificador = Date.now();
  // Abro conexión de socket
  var socket = new WebSocket('ws://localhost:3000');
  socket.addEventListener('open', function () { console.log('WebSocket connection open'); });
  socket.addEventListener('error', function (error) { console.log('WebSocket error', error); });
  // Pongo en marcha el vídeo
  ${CAMERA}
  // Bucle infinito
  function drawToCanvas() {
    contexto.drawImage(video, 0, 0, 160, 120);
    let datos = contexto.getImageData(0, 0, 160, 120);
    socket.send(${frame});
    ${next}
  }
  video.addEventListener('play', function () { ${next} });
  var temporizador;
`;
const EVERY_SECOND = 'clearTimeout(temporizador); temporizador = setTimeout(drawToCanvas, 1000);';

const PAGES = {
  'emisor/003.html': `${SEND('JSON.stringify(datos.data)', 'requestAnimationFrame(drawToCanvas);')}</script></body></html>`,
  'emisor/004.html': `${SEND('JSON.stringify(datos.data)', EVERY_SECOND)}</script></body></html>`,
  'receptor/002.html': `
<!DOCTYPE html>
<html><head></head><body>
<canvas id="lienzo" width="160" height="120"></canvas>
<script>
  var lienzo = document.getElementById('lienzo');
  var contexto = lienzo.getContext('2d');
  var socket = new WebSocket('ws://localhost:3000');
  var datosimagen = contexto.getImageData(0, 0, 160, 120);
  socket.addEventListener('open', function () { console.log('WebSocket connection open'); });
  socket.addEventListener('message', function (event) {
    let datos = JSON.parse(event.data);
    for (let i = 0; i < datosimagen.data.length; i++) { datosimagen.data[i] = datos[i]; }
    contexto.putImageData(datosimagen, 0, 0);
  });
</script></body></html>`,
  '006.html': `${SEND('JSON.stringify({ identificador: identificador, datos: datos.data })', EVERY_SECOND)}
  var lienzos = [];
  var elementoslienzos = [];
  var contextos = [];
  // Recibo mensajes del socket
  socket.addEventListener('message', function (event) {
    let datos = JSON.parse(event.data);
    let existe = false;
    lienzos.forEach(function (lienzo, index) {
      if (lienzo == datos.identificador) {
        existe = true;
        let misdatos = contextos[index].getImageData(0, 0, 160, 120);
        for (let i = 0; i < misdatos.data.length; i++) { misdatos.data[i] = datos.datos[i]; }
        contextos[index].putImageData(misdatos, 0, 0);
      }
    });
    if (existe == false) {
      lienzos.push(datos.identificador);
      elementoslienzos.push(document.createElement('canvas'));
      elementoslienzos[elementoslienzos.length - 1].width = 160;
      elementoslienzos[elementoslienzos.length - 1].height = 120;
      contextos.push(elementoslienzos[elementoslienzos.length - 1].getContext('2d'));
      document.querySelector('#lienzos').appendChild(elementoslienzos[elementoslienzos.length - 1]);
    }
  });
</script></body></html>`,
};

const root = project(PAGES);

/** A class of pupils at a relay on this port, who get their pages from a site. */
class Room {
  static async open(t, site, port) {
    const room = new Room();
    room.site = site;
    // The pages say where their server is.
    room.browser = await launch([...FAKE_CAMERA, `--host-resolver-rules=MAP localhost:3000 127.0.0.1:${port}`]);
    t.after(() => room.browser.close());
    return room;
  }

  /** A pupil with a page, and what her socket sent and heard. */
  async enter(path) {
    const context = await this.browser.newContext({ permissions: ['camera'] });
    const page = await context.newPage();
    const pupil = { page, sent: [], heard: [], errors: [] };
    page.on('pageerror', (error) => pupil.errors.push(error.message));
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => pupil.sent.push(payload));
      socket.on('framereceived', ({ payload }) => pupil.heard.push(payload));
    });
    await page.goto(new URL(path, this.site).href);
    return pupil;
  }
}

/** A relay in Python, and a site for the pages, as the author had both. */
async function theirs(t) {
  const script = fileURLToPath(new URL('../harness/relay.py', import.meta.url));
  const relay = new Child(process.env.PYTHON ?? '/usr/bin/python3', [script]);
  t.after(() => relay.kill());
  const [port] = await Promise.race([once(relay.stdout, 'data'), relay.gone.then(() => assert.fail(relay.stderr))]);
  relay.unref();
  const site = createServer(({ url }, answer) => {
    answer.setHeader('content-type', 'text/html; charset=utf-8').end(PAGES[url.slice(1)]);
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  t.after(() => (site.close(), site.closeAllConnections()));
  return Room.open(t, `http://localhost:${site.address().port}/`, Number(`${port}`));
}

/** A class of ours, with the same pages in its folder. */
async function ours(t) {
  const vitrina = await Vitrina.start(['class', root, '--http', '0', '--tcp', '0'], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  return Room.open(t, `http://localhost:${vitrina.class.http.port}/`, vitrina.class.http.port);
}

/** The pixels of a frame, in a form that is quick to compare. */
const pixels = (frame) => Buffer.from(Object.values(JSON.parse(frame))).toString('base64');
/** The pixels of each canvas, likewise. */
const drawn = (page, what) => page.evaluate((what) => [...document.querySelectorAll(what)].map((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, 160, 120);
  return btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(''));
}), what);

/** One sends, two look: what each heard and saw. */
async function broadcast(room, sender, frames) {
  const lookers = [await room.enter('receptor/002.html'), await room.enter('receptor/002.html')];
  for (const { page } of lookers) await page.waitForFunction(() => socket.readyState === WebSocket.OPEN);
  // A page that sends as fast as it can answers no other question in time.
  const sends = await room.enter(sender);
  for (const { heard } of lookers) await until('frames come', () => heard.length >= frames, { limit: 30_000 });
  await sends.page.close();
  // The last one that went out stays on the canvas.
  const seen = [];
  for (const { page, heard, errors } of lookers) {
    await until('the last is drawn', async () => (await drawn(page, '#lienzo'))[0] === pixels(heard.at(-1)), { limit: 20_000 });
    seen.push({
      whole: Buffer.from(pixels(heard.at(-1)), 'base64').length === 160 * 120 * 4,
      asSent: heard.every((frame, n) => typeof frame === 'string' && frame === sends.sent[n]),
      errors,
    });
    await page.context().close();
  }
  return { seen, echoes: sends.heard.length, errors: sends.errors };
}

/** Three send and look: what each saw of whom. */
async function conference(room) {
  const pupils = [];
  for (let n = 0; n < 3; n++) pupils.push(await room.enter('006.html'));
  for (const { page } of pupils) await page.waitForFunction(() => socket.readyState === WebSocket.OPEN);
  for (const { page } of pupils) {
    await until('both others are seen', async () => {
      const seen = await drawn(page, '#lienzos canvas');
      const isDrawn = (canvas) => Buffer.from(canvas, 'base64')[3] === 255;
      return seen.length === 2 && seen.every(isDrawn);
    }, { limit: 20_000 });
  }
  const canvases = [];
  for (const { page } of pupils) canvases.push((await drawn(page, '#lienzos canvas')).length);
  for (const { page } of pupils) await page.context().close();
  // Until here frames went on, and what one heard may be known before that another sent it.
  return pupils.map(({ page, heard, errors }, n) => {
    const sent = new Set(pupils.filter((pupil) => pupil.page !== page).flatMap((pupil) => pupil.sent));
    return { canvases: canvases[n], asSent: heard.every((frame) => sent.has(frame)), errors };
  });
}

test('the pages are as their author tells', (t) => {
  const text = spoken('002');
  t.diagnostic(text ? "with pages by the author's own words" : 'with pages of our own: their text is not there');
  for (const words of text ? SAID : []) assert.ok(words.test(text), `he does not say ${words}`);
});

test('who looks sees what one sends, once a second or as fast as it can, as on a relay of their own', async (t) => {
  const rooms = await Promise.all([theirs(t), ours(t)]);
  for (const [sender, frames] of [['emisor/004.html', 2], ['emisor/003.html', 4]]) {
    const [expected, seen] = [await broadcast(rooms[0], sender, frames), await broadcast(rooms[1], sender, frames)];
    const one = { whole: true, asSent: true, errors: [] };
    assert.deepEqual(expected, { seen: [one, one], echoes: 0, errors: [] });
    assert.deepEqual(seen, expected);
  }
});

test('three who send and look see each other, as on a relay of their own', async (t) => {
  const rooms = await Promise.all([theirs(t), ours(t)]);
  const [expected, seen] = await Promise.all(rooms.map(conference));
  const one = { canvases: 2, asSent: true, errors: [] };
  assert.deepEqual(expected, [one, one, one]);
  assert.deepEqual(seen, expected);
});
