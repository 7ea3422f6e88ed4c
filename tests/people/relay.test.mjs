// Programs written for a bare relay of the npm library ws, as they are.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import WebSocket from 'ws';

import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

/** Somebody who keeps all that comes: `{data, isBinary}`. */
async function enter(wall, path = '') {
  const socket = new WebSocket(wall.replace('http', 'ws') + path);
  socket.heard = [];
  socket.on('message', (data, isBinary) => socket.heard.push({ data, isBinary }));
  await once(socket, 'open');
  return socket;
}

const pictures = (socket) => socket.heard.filter(({ isBinary }) => isBinary).map(({ data }) => data);
const texts = (socket) => socket.heard.filter(({ isBinary }) => !isBinary).map(({ data }) => data.toString());

test('photos, frames of JSON and chat pass between clients of the bare relay', async (t) => {
  const vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show="always"'] });
  t.after(() => vitrina.stop());
  const photos = async () => (await fetch(`${vitrina.wall}api/photos`)).json();
  const cameras = async () => (await fetch(`${vitrina.wall}api/cameras`)).json();
  const file = async (id) => Buffer.from(await (await fetch(`${vitrina.wall}photos/${id}`)).arrayBuffer());
  const snap = (camera) => fetch(`${vitrina.wall}api/cameras/${camera}/snap`, { method: 'POST' });
  const { camera } = await until('the test card', async () => (await cameras()).find(({ age_ms }) => age_ms !== null));
  // A whole JPEG that is no photo yet.
  const still = await fetch(`${vitrina.wall}cameras/${camera}/snapshot.jpg`);
  const picture = Buffer.from(await still.arrayBuffer());

  const [sender, other] = [await enter(vitrina.wall), await enter(vitrina.wall)];
  const apart = await enter(vitrina.wall, 'relay/elsewhere');
  const frame = JSON.stringify({ identificador: 7, datos: { tipo: 'saludo', texto: '¿qué tal?' } });
  sender.send(picture);
  sender.send(frame);
  sender.send('Ana: hola a todos');
  await until('all came', () => other.heard.length === 3);
  assert.deepEqual(other.heard.map(({ isBinary }) => isBinary), [true, false, false], 'in order');
  assert.ok(pictures(other)[0].equals(picture), 'unchanged');
  assert.deepEqual(texts(other), [frame, 'Ana: hola a todos']);

  const [stored] = await until('it is a photo', async () => {
    const all = await photos();
    return all.length === 1 && all;
  });
  assert.equal(stored.type, 'image/jpeg');

  // What is taken elsewhere goes out to all; and before it nothing came a second time.
  const answer = await snap(camera);
  assert.equal(answer.status, 201);
  const taken = await file((await answer.json()).id);
  await until('both have the photo', () => pictures(sender).length >= 1 && pictures(other).length >= 2);
  sender.send('done');
  await until('the last word', () => texts(other).includes('done'));
  assert.equal(sender.heard.length, 1, 'what one sends does not come back');
  assert.ok(pictures(sender)[0].equals(taken));
  assert.equal(pictures(other).length, 2, 'nothing is delivered twice');
  assert.ok(pictures(other)[1].equals(taken));
  assert.deepEqual(apart.heard, [], 'another room hears nothing');
  assert.equal((await photos()).length, 2);
  for (const socket of [sender, other, apart]) socket.terminate();
});
