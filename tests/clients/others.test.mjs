// Other brokers, with their habits.

import { strict as assert } from 'node:assert';
import { test } from 'node:test';

import { mosquitto } from '../harness/brokers.mjs';
import { pictures } from '../harness/house.mjs';
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

test('two galleries behind a broker that gives no retained message to wildcards: the first one stores', async () => {
  const broker = await RecordingBroker.start({ wildcards: false });
  const [pi, first] = [await node(broker), await gallery(broker)];
  const { camera } = await shown(first.wall);
  const second = await gallery(broker);
  await shown(second.wall);
  await reason(second, /came first and stores the photos/);
  assert.equal((await snap(first, camera)).status, 201);
  assert.deepEqual([(await photos(first)).length, (await photos(second)).length], [1, 0]);
  // The first one is never in doubt.
  assert.doesNotMatch(first.stderr, /view only/);
  assert.doesNotMatch(second.stderr, /stores the photos now/);
  await first.kill();
  await until('the second one stores now', async () => !(await healthz(second)).reasons?.length);
  await first.again();
  await reason(first, /came first and stores the photos/);
  assert.equal((await snap(second, camera)).status, 201);
  assert.deepEqual([(await photos(first)).length, (await photos(second)).length], [1, 1]);
  await Promise.all([pi.stop(), first.stop(), second.stop()]);
  broker.stop();
});

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

/** Checks that a client ended with `offline`, retained, then DISCONNECT, then the close. */
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

const connects = (broker) => broker.of(/^vitrina-pi-[0-9a-f]{8}-jpeg$/).filter(({ cmd }) => cmd === 'connect').length;
const healthz = (wall) => json(wall.wall, 'healthz');
const photos = async (wall) => json(wall.wall, 'api/photos');
const snap = (wall, camera) => fetch(new URL(`api/cameras/${camera}/snap`, wall.wall), { method: 'POST' });
const reason = (wall, what, limit = 25_000) => until(`/healthz says ${what}`, async () => {
  const { reasons = [] } = await healthz(wall);
  const found = reasons.find((line) => what.test(line));
  if (found) return found;
  throw new Error(JSON.stringify(reasons));
}, { limit });

/** Between the size of a preview and that of a photo, in bytes. */
async function between(broker, wall, camera) {
  assert.equal((await snap(wall, camera)).status, 201);
  const largest = (end) => Math.max(...broker.heard.filter(({ packet }) => packet.topic?.endsWith(end)).map(({ packet }) => packet.payload.length));
  await until('a preview', () => largest('/preview') > 0);
  const [small, large] = ['/preview', '/snapshot'].map(largest);
  assert.ok(small < large, `${small} ${large}`);
  return Math.round((small + large) / 2);
}

for (const tells of [true, false]) {
  test(`a photo above the limit of a broker that ${tells ? 'tells it' : 'does not tell it'} is held, told, and stored once when the limit is raised`, async () => {
    const broker = await RecordingBroker.start({ tells });
    const [pi, wall] = [await node(broker), await gallery(broker)];
    const { camera } = await shown(wall.wall);
    broker.habits.limit = await between(broker, wall, camera);
    // Like a restart with the limit.
    const online = () => [/^vitrina\/pi\/status$/, /^vitrina\/gallery\/.*\/status$/].map((topic) =>
      broker.heard.filter(({ packet }) => packet.topic?.match(topic) && `${packet.payload}` === 'online').length);
    const [node0, gallery0] = online();
    broker.drop();
    await until('both are there again', () => online()[0] > node0 && online()[1] > gallery0);
    await shown(wall.wall);
    const before = connects(broker);
    const asked = snap(wall, camera);
    const why = await reason(wall, /^pi: the broker takes no packet above \d+ bytes, and a picture has \d+: raise max_packet_size/);
    assert.match(pi.stderr, /the broker takes no packet above/);
    const after = connects(broker);
    assert.ok(after - before <= 4, `${after - before} connections: ${why}`);
    const previews = () => broker.heard.filter(({ packet }) => packet.topic?.endsWith('/preview')).length;
    const seen = previews();
    await until('previews go on', () => previews() > seen + 2);
    assert.equal(connects(broker), after);
    assert.equal((await asked).status, 504);
    assert.equal((await photos(wall)).length, 1);
    broker.habits.limit = Infinity;
    await pi.stop();
    await pi.again();
    await until('both photos are stored', async () => (await photos(wall)).length === 2, { limit: 20_000 });
    await until('nothing is held', async () => !(await healthz(wall)).reasons?.length, { limit: 20_000 });
    await Promise.all([pi.stop(), wall.stop()]);
    broker.stop();
  });
}

test('Mosquitto with a limit below a photo and a live frame: it is told, and no reconnecting for ever', async () => {
  const probe = await RecordingBroker.start();
  const first = [await node(probe), await gallery(probe)];
  const { camera } = await shown(first[1].wall);
  const limit = await between(probe, first[1], camera);
  await Promise.all(first.map((part) => part.stop()));
  probe.stop();
  const broker = await mosquitto(['allow_anonymous true', `max_packet_size ${limit}`]);
  broker.url = `mqtt://127.0.0.1:${broker.port}`;
  const [pi, wall] = [await node(broker), await gallery(broker)];
  await shown(wall.wall);
  const stream = new AbortController();
  fetch(new URL(`cameras/${camera}/stream.mjpg`, wall.wall), { signal: stream.signal }).then((it) => it.body?.pipeTo(new WritableStream())).catch(() => {});
  await reason(wall, new RegExp(`the broker takes no packet above ${limit} bytes`));
  const times = () => broker.stderr.split(/New client connected from \S+ as vitrina-pi-[0-9a-f]{8}-jpeg/).length - 1;
  const before = times();
  assert.ok(before <= 4, `${before} connections`);
  await pictures(wall, 3);
  assert.equal(times(), before);
  stream.abort();
  await Promise.all([pi.stop(), wall.stop()]);
  await broker.stop();
});

test('subscriptions that the broker refuses are told by name', async () => {
  const broker = await RecordingBroker.start({ refuse: (filter) => /\/want$|\/snapshot$/.test(filter) });
  const [pi, wall] = [await node(broker), await gallery(broker)];
  await reason(wall, /^The broker does not let this gallery read vitrina-jpeg\/\+\/\+\/snapshot: allow/);
  await reason(wall, /^pi: the broker does not let it read vitrina\/pi\/\+\/want: allow/);
  assert.match(wall.stderr, /does not let the gallery read this.*snapshot/);
  assert.match(pi.stderr, /does not let it read vitrina\/pi\/\+\/want/);
  await Promise.all([pi.stop(), wall.stop()]);
  broker.stop();
});

test('what a broker swallows is told by name: live frames, a gallery, a node', async () => {
  let swallow = /\/live\//;
  const broker = await RecordingBroker.start({ swallow: (topic) => swallow.test(topic) });
  const [pi, wall] = [await node(broker), await gallery(broker)];
  const { camera } = await shown(wall.wall);
  const stream = new AbortController();
  fetch(new URL(`cameras/${camera}/stream.mjpg`, wall.wall), { signal: stream.signal }).then((it) => it.body?.pipeTo(new WritableStream())).catch(() => {});
  await reason(wall, new RegExp(`^${camera}: it publishes pictures, but none comes here`), 40_000);
  swallow = /^$/;
  await until('all is well when they come', async () => !(await healthz(wall)).reasons?.length);
  stream.abort();
  await Promise.all([pi.stop(), wall.stop()]);
  swallow = /^vitrina\/(gallery\/[^/]*|pi)\/status$/;
  await wall.again();
  await reason(wall, /^What this gallery says does not come back/);
  await pi.again();
  await until('the node says it too', () => /its own messages do not come back/.test(pi.stderr), { limit: 20_000 });
  await Promise.all([pi.stop(), wall.stop()]);
  broker.stop();
});
