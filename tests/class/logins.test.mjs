// A class in a house where people have logins: who has none takes no part, at no port.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';

import { io } from 'socket.io-client';

import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina, vitrina as command } from '../harness/vitrina.mjs';

/** A client of the chat, with what it was sent so far. */
function client({ port }) {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  const client = { socket, said: '', ended: once(socket, 'close') };
  socket.on('data', (text) => (client.said += text)).on('error', () => {});
  return client;
}

test('with the first user everybody without a login is out, at once', { timeout: 60_000 }, async (t) => {
  const args = ['class', folder('clase'), '--http', '0', '--tcp', '0'];
  const vitrina = await Vitrina.start(args, { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  const { http, tcp } = vitrina.class;
  const before = client(tcp);
  before.socket.write('Ana\n');
  await until('somebody is in', () => before.said.includes('Tu nombre es Ana'));
  const pupil = io(http.href, { transports: ['websocket'], reconnection: false });
  t.after(() => pupil.close());
  await once(pupil, 'connect');
  const gone = once(pupil, 'disconnect');
  const polls = io(http.href, { transports: ['polling'], reconnection: false });
  t.after(() => polls.close());
  await once(polls, 'connect');
  const noPoll = once(polls, 'disconnect');
  const live = (await fetch(new URL('/class/live', http))).body.getReader();
  await live.read();
  assert.equal((await command(['user', 'add', 'luz', '--role', 'admin'], { data: vitrina.data })).code, 0);
  await Promise.all([before.ended, gone, noPoll]);
  while (!(await live.read()).done);
  const late = client(tcp);
  late.socket.write('Ana\n');
  await late.ended;
  assert.match(late.said, /hay que identificarse/);
  const poll = await fetch(new URL('/socket.io/?EIO=4&transport=polling', http));
  assert.deepEqual([poll.status, await poll.text()], [403, 'You may not do this here. No puedes hacer esto aquí.\n']);
  const form = new FormData();
  form.append('image', new Blob(['x']), 'x.txt');
  assert.equal((await fetch(new URL('/upload', http), { method: 'POST', body: form })).status, 403);
  // What the teacher put there is nobody's secret.
  assert.equal((await fetch(http)).status, 200);
});
