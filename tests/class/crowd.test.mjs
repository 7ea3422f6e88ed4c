// A whole class at once: five flood, one sleeps, and nobody else waits for them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';

import { io } from 'socket.io-client';
import WebSocket from 'ws';

import { highest } from '../harness/process.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { watch } from './watch.mjs';

// A frame of a video conference of pixels as JSON.
const FRAME = JSON.stringify({ identificador: 1, datos: Array(160 * 120 * 4).fill(128) });

test('forty clients, of whom five flood and one sleeps', async (t) => {
  const vitrina = await Vitrina.start(['class', '--http', '0', '--tcp', '0'], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  const { http, tcp } = vitrina.class;
  const shown = await watch(http);
  t.after(() => shown.end());
  const enter = async () => {
    const socket = new WebSocket(http.href.replace('http', 'ws'), { perMessageDeflate: false });
    socket.heard = new Set();
    socket.on('message', (data) => data.length < 100 && socket.heard.add(`${data}`));
    await once(socket, 'open');
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: 20 }, enter));
  const events = Array.from({ length: 10 }, (_, n) => io(http.href, { forceNew: true, transports: [n % 2 ? 'polling' : 'websocket'] }));
  for (const socket of events) {
    socket.heard = new Set();
    socket.on('hola', (text) => socket.heard.add(text));
  }
  await until('all are in', () => events.every((socket) => socket.connected));
  const pupils = await Promise.all(Array.from({ length: 10 }, async (_, n) => {
    const socket = connect(tcp.port, tcp.hostname);
    socket.text = '';
    socket.setEncoding('utf8').on('data', (text) => (socket.text += text));
    await once(socket, 'connect');
    socket.write(`P${n}\n`);
    await until('it has its name', () => socket.text.includes(`Tu nombre es P${n}\n`));
    return socket;
  }));

  await until('the projector counts them', () => shown.now.ways?.reduce((sum, { count }) => sum + count, 0) === 40);
  const [sleeper, ...awake] = sockets;
  const [flooding, calm] = [awake.slice(0, 5), awake.slice(5)];
  sleeper.pause();
  let sent = 0;
  let isOver = false;
  const flood = (socket) => socket.send(FRAME, (error) => {
    sent += 1;
    if (!error && !isOver) setImmediate(flood, socket);
  });
  flooding.forEach(flood);
  await until('they flood', () => sent > 20, { limit: 30_000 });

  for (let round = 0; round < 3; round++) {
    calm.forEach((socket, n) => socket.send(`hola ${round} ${n}`));
    events.forEach((socket, n) => socket.emit('hola', `hola ${round} ${n}`));
    pupils[round].write(`hola ${round}\n`);
    const others = (all, n, text) => all.every((socket, at) => at === n || socket.heard.has(text));
    await until('pages hear each other', () => calm.every((_, n) => others(calm, n, `hola ${round} ${n}`)), { limit: 60_000 });
    await until('so do those of Socket.IO', () => events.every((_, n) => others(events, n, `hola ${round} ${n}`)), { limit: 60_000 });
    await until('and of TCP', () => pupils.every((socket, n) => n === round || socket.text.includes(`[P${round}] hola ${round}\n`)));
  }
  await until('the projector tells of the flood', () => shown.now.mistakes.some(({ what }) => what === 'too-fast'), { limit: 60_000 });
  assert.ok(new Set(shown.now.last.map(({ from, way }) => `${way} ${from}`)).size > 5, 'and hides nobody behind it');
  isOver = true;
  const most = highest(vitrina.pid) / 1e6;
  t.diagnostic(`${sent} frames of ${FRAME.length} bytes, ${Math.round(most)} MB at the most`);
  assert.ok(most < 400, `${most} MB`);
  [...sockets, ...pupils].forEach((socket) => (socket.terminate ?? socket.destroy).call(socket));
  events.forEach((socket) => socket.close());
});
