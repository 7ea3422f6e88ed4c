// /class on the projector: what passes by which way, pupils' mistakes in words, and the teacher's switches.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';

import { io } from 'socket.io-client';
import WebSocket from 'ws';

import { launch } from '../harness/chromium.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { watch } from './watch.mjs';

/** A class on free ports, with what its projector shows. */
async function start(t) {
  const vitrina = await Vitrina.start(['class', '--http', '0', '--tcp', '0'], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  const shown = await watch(vitrina.class.http);
  t.after(() => shown.end());
  return { vitrina, shown, ...vitrina.class };
}

/** A WebSocket that remembers the texts and counts the bytes that it heard. */
async function enter(http) {
  const socket = new WebSocket(http.href.replace('http', 'ws'), { perMessageDeflate: false });
  Object.assign(socket, { heard: new Set(), bytes: 0 });
  socket.on('message', (data, isBinary) => {
    socket.bytes += data.length;
    if (!isBinary) socket.heard.add(`${data}`);
  });
  await once(socket, 'open');
  return socket;
}

/** Somebody in the chat. */
async function pupil(tcp, name) {
  const socket = connect(tcp.port, tcp.hostname);
  socket.text = '';
  socket.setEncoding('utf8').on('data', (text) => (socket.text += text)).on('error', () => {});
  await once(socket, 'connect');
  socket.write(`${name}\n`);
  await until('it has its name', () => socket.text.includes(`Tu nombre es ${name}\n`));
  return socket;
}

test("a pupil's mistakes are told in words, and nothing else suffers", async (t) => {
  const { vitrina, shown, http, tcp } = await start(t);
  const [ana, beto] = [await enter(http), await enter(http)];
  const [lucia, nour] = [await pupil(tcp, 'Lucía'), await pupil(tcp, 'Nour')];
  let rounds = 0;
  const works = async () => {
    const text = `secreto ${++rounds}`;
    ana.send(text);
    await until('the others still hear each other', () => beto.heard.has(text));
  };
  const told = (what) => shown.now.mistakes?.find((mistake) => mistake.what === what);

  const large = await enter(http);
  large.on('error', () => {});
  large.send(JSON.stringify({ datos: 'x'.repeat(50_000_000) }));
  await works();
  await until('50 MB are told', () => told('too-large'));
  assert.equal(told('too-large').bytes, 50_000_012);
  assert.equal(told('too-large').most, 10 * 1024 * 1024);

  const loop = await enter(http);
  for (let sent = 0; sent < 5000; sent++) loop.send('otra vez');
  await works();
  await until('an endless loop is told', () => told('too-fast'), { limit: 30_000 });
  loop.terminate();

  nour.write(Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0x0a]));
  await until('bytes in the chat are told', () => told('not-text'));
  assert.equal(told('not-text').who, 'Nour');
  await until('so is their sender', () => nour.text.includes('[Vitrina] Eso no es texto'));
  lucia.write('sigo aquí\n');
  await until('the chat goes on', () => nour.text.includes('[Lucía] sigo aquí'));

  const elsewhere = new WebSocket(http.href.replace('http', 'ws'), { headers: { origin: 'https://editor.example' } });
  await once(elsewhere, 'error');
  await until('a page of another site is told', () => told('elsewhere')?.way === 'websocket');

  const reconnect = () => new Promise((done) => {
    const socket = connect(tcp.port, tcp.hostname);
    socket.on('error', done).on('close', done).on('connect', () => socket.destroy());
  });
  for (let round = 0; round < 100; round++) await Promise.all(Array.from({ length: 100 }, reconnect));
  await works();
  await until('10,000 reconnects are told', () => told('reconnects')?.count > 9000);

  const browser = await launch();
  t.after(() => browser.close());
  for (const [locale, words] of [['es-CL', [/envió un texto de 50 MB. No pasó: el máximo es 10 MB/, /se conecta una y otra vez/]], ['en-GB', [/sent a text of 50 MB/, /connects again and again/]]]) {
    const page = await browser.newPage({ locale });
    await page.goto(new URL('/class', http).href);
    await until('the newest is in words', async () => words[1].test(await page.textContent('#trouble')));
    await page.click('#more');
    assert.match(await page.textContent('#others'), words[0]);
    assert.ok(await page.isVisible('#others'));
    await until('what passes is listed', async () => (await page.textContent('#flow')).includes('Lucía'));
    assert.doesNotMatch(await page.content(), /secreto|otra vez</, 'never what a message says');
    await page.close();
  }
  assert.ok(vitrina.alive);
  [ana, beto, lucia, nour].forEach((socket) => (socket.terminate ?? socket.destroy).call(socket));
});

test('each way is counted, and each message shown as it passed', async (t) => {
  const { vitrina, shown, http, tcp } = await start(t);
  const [ana, beto] = [await enter(http), await enter(http)];
  const events = [io(http.href, { forceNew: true }), io(http.href, { forceNew: true, transports: ['websocket'] })];
  t.after(() => events.forEach((socket) => socket.close()));
  const lucia = await pupil(tcp, 'Lucía');
  const { connectAsync } = await import('mqtt');
  const sensor = await connectAsync(vitrina.brokers.mqtt, { clientId: 'sensor-1' });
  t.after(() => sensor.endAsync(true));
  await sensor.subscribeAsync('aula/#');
  const count = (way) => shown.now.ways?.find((one) => one.way === way).count;
  await until('all are here', () => [['websocket', 2], ['socketio', 2], ['tcp', 1], ['mqtt', 1], ['page', 0]].every(([way, many]) => count(way) === many));
  ana.send(Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(80_000)]));
  ana.send(JSON.stringify({ datos: Array(5000).fill(128) }));
  events[0].emit('dibujo', { x: 1 });
  lucia.write('hola\n');
  await sensor.publishAsync('aula/3/temperatura', '21.5');
  const form = new FormData();
  form.append('image', new Blob([Buffer.alloc(5000, 1)]), 'foto.jpg');
  await fetch(new URL('/upload', http), { method: 'POST', body: form });
  const expected = [
    ['websocket', 'image', 'JPEG', 80_004, '127.0.0.1', 1], ['websocket', 'pixels', undefined, 20_011, '127.0.0.1', 1],
    ['socketio', 'event', 'dibujo', 20, null, 1], ['tcp', 'chat', undefined, 4, 'Lucía', 0],
    ['mqtt', 'topic', 'temperatura', 4, 'sensor-1', 1], ['socketio', 'upload', undefined, 5000, '127.0.0.1', 2],
  ];
  for (const [way, kind, detail, bytes, from, to] of expected) {
    const is = (row) => row.way === way && row.kind === kind && row.detail === detail && row.bytes === bytes && row.to === to && (from === null || row.from === from);
    await until(`${kind} of ${way} is shown with what became of it`, () => shown.now.last.some((row) => is(row) && row.waiting === 0 && (to === 0 || row.waited >= 0)));
  }
  [ana, beto, lucia].forEach((socket) => (socket.terminate ?? socket.destroy).call(socket));
  await until('who leaves is not here', () => count('websocket') === 0 && count('tcp') === 0);
});

test('only who has the word pauses, makes the network slow, and shows what queues do', async (t) => {
  const { vitrina, shown, http } = await start(t);
  const browser = await launch();
  t.after(() => browser.close());
  const [ana, beto] = [await enter(http), await enter(http)];
  await until('both are here', () => shown.now.people?.length === 2);

  const pupils = await browser.newPage({ locale: 'es-ES' });
  await pupils.goto(new URL('/class', http).href);
  await until('it is shown', async () => (await pupils.textContent('#here')) === '2 en clase');
  assert.ok(await pupils.isDisabled('#paused'));
  const tries = (word) => fetch(new URL('/class/switch', http), { method: 'POST', body: JSON.stringify({ word, switches: { ...shown.now.switches, paused: true } }) });
  assert.equal((await tries('abcdefghijkm')).status, 403);
  assert.equal((await fetch(new URL('/class/switch', http), { method: 'POST', body: '{' })).status, 400);

  const page = await browser.newPage({ locale: 'es-ES' });
  await page.goto(await vitrina.projector);
  assert.equal(page.url(), new URL('/class', http).href, 'the word does not hang on the wall');
  await page.click('#paused:enabled');
  await until('there is a pause', () => shown.now.switches.paused);
  ana.send('espera');
  await until('it has come', () => shown.now.last.some(({ bytes, to }) => bytes === 6 && to === 0));
  assert.ok(!beto.heard.has('espera'));
  await page.reload();
  await page.click('#paused:enabled');
  await until('it goes on', () => beto.heard.has('espera'));

  // The second's network becomes slow.
  await page.click('#slow');
  await page.click('#people button:has-text("(2)")');
  await page.click('#rates button:has-text("16 kB/s")');
  await page.click('#keeps button:has-text("Guardar todo")');
  await until('it is slow', () => shown.now.switches.keeps && shown.now.switches.slow && shown.now.switches.rate === 16_000);
  const picture = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(100_000)]);
  for (let sent = 0; sent < 12; sent++) ana.send(picture);
  const pile = () => shown.now.queues[0];
  await until('they pile up beside what newest or nothing would hold', () => pile()?.all.messages >= 8 && pile().newest.messages === 1, { limit: 30_000 });
  await until('that is on the screen', async () => /esperan, .*kB|MB/.test(await page.textContent('#queues')) && (await page.textContent('#queues')).includes('Lo más nuevo o nada'));
  await page.click('#keeps button:has-text("Lo más nuevo o nada")');
  ana.send(picture);
  await until('only the newest is left', () => pile()?.all.messages <= 1);
  await until('the others were replaced', () => shown.now.last.some(({ replaced }) => replaced === 1));
  await page.click('#slow');
  await until('the network is fast again, and the newest is there', () => beto.bytes >= 2 * picture.length);
  [ana, beto].forEach((socket) => socket.terminate());

  // A class stops also while it holds somebody up.
  await page.click('#paused');
  await until('there is a pause', () => shown.now.switches.paused);
  const polls = io(http.href, { forceNew: true, transports: ['polling'] });
  t.after(() => polls.close());
  await once(polls, 'connect');
  polls.emit('dibujo', 1);
  await until('it is held', () => shown.now.last.some(({ kind }) => kind === 'event'));
  assert.equal((await vitrina.stop()).code, 0);
  assert.doesNotMatch(vitrina.stderr, /not everything stopped/);
});
