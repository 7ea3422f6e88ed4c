// Other people's brokers, with the habits that they have.

import { strict as assert } from 'node:assert';
import { test } from 'node:test';

import { RecordingBroker } from '../harness/recording.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const node = (broker, more = []) =>
  Vitrina.start(['node'], { set: [`node.broker=${broker.url}`, 'node.name=pi', 'node.test_card.show=always', ...more] });
const gallery = (broker, more = []) => Vitrina.start(['gallery'], { set: [`gallery.broker=${broker.url}`, ...more] });
const json = async (wall, path) => (await fetch(new URL(path, wall))).json();
const shown = (wall) => until('its camera is on the wall and works', async () => {
  const cameras = await json(wall, 'api/cameras');
  if (cameras.length === 1 && ['live', 'idle'].includes(cameras[0].state)) return cameras[0];
  throw new Error(JSON.stringify(cameras));
}, { limit: 30_000 });

for (const first of ['node', 'gallery']) {
  test(`a broker that gives no retained message to wildcards, the ${first} first: the wall is full`, async () => {
    const broker = await RecordingBroker.start({ wildcards: false });
    const parts = {};
    const start = { node: async () => (parts.node = await node(broker)), gallery: async () => (parts.gallery = await gallery(broker)) };
    await start[first]();
    const [status] = first === 'node' ? ['vitrina/pi/status'] : [/^vitrina\/gallery\//];
    await until('the first is online', () => broker.heard.some(({ packet }) => packet.topic?.match(status) && `${packet.payload}` === 'online'));
    await start[first === 'node' ? 'gallery' : 'node']();
    await shown(parts.gallery.wall);
    await parts.gallery.stop();
    await parts.gallery.again();
    await shown(parts.gallery.wall);
    await parts.gallery.kill();
    await parts.gallery.again();
    await shown(parts.gallery.wall);
    for (const part of Object.values(parts)) await part.stop();
    broker.stop();
  });
}

test('a node whose facts were lost is asked for them at its heartbeat', async () => {
  let deaf = true;
  const broker = await RecordingBroker.start({ wildcards: false, swallow: (topic) => deaf && /\/(info|state|status)$/.test(topic) });
  const [pi, wall] = [await node(broker), await gallery(broker)];
  await until('the node has spoken', () => broker.said('vitrina/pi/status').length > 0);
  deaf = false;
  await shown(wall.wall);
  const asked = broker.heard.filter(({ packet }) => /^vitrina\/gallery\/.*\/status$/.test(packet.topic ?? '')).length;
  assert.ok(asked <= 4, `${asked} questions`);
  await Promise.all([pi.stop(), wall.stop()]);
  broker.stop();
});

/** Sees that the last of a client was `offline`, retained, then DISCONNECT, then the end. */
async function saidGoodBye(broker, id, topic) {
  await until('its connection has ended', () => broker.of(id).at(-1)?.cmd === 'close');
  const last = broker.of(id).slice(-3);
  assert.deepEqual(last.map(({ cmd }) => cmd), ['publish', 'disconnect', 'close']);
  assert.match(last[0].topic, topic);
  assert.equal(`${last[0].payload}`, 'offline');
  assert.ok(last[0].retain);
}
const NODE = [/^vitrina-pi-[0-9a-f]{8}$/, /^vitrina\/pi\/status$/];
const GALLERY = [/^vitrina-gallery-[^-]*$/, /^vitrina\/gallery\/[^/]*\/status$/];

test('a node and a gallery say good-bye before they end, each alone', async () => {
  const broker = await RecordingBroker.start();
  const [pi, wall] = [await node(broker), await gallery(broker)];
  await shown(wall.wall);
  for (const [part, ...who] of [[pi, ...NODE], [wall, ...GALLERY]]) {
    assert.deepEqual(await part.stop(), { code: 0, signal: null });
    await saidGoodBye(broker, ...who);
  }
  broker.stop();
});

test('a node and a gallery of one process say good-bye before it ends', async () => {
  const broker = await RecordingBroker.start();
  const set = [`node.broker=${broker.url}`, `gallery.broker=${broker.url}`, 'node.name=pi', 'node.test_card.show=always'];
  const all = await Vitrina.start([], { set });
  await shown(all.wall);
  assert.deepEqual(await all.stop(), { code: 0, signal: null });
  for (const who of [NODE, GALLERY]) await saidGoodBye(broker, ...who);
  broker.stop();
});
