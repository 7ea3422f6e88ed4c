// Photos: how many a second are stored for good, beside what the disk allows, and what an index of
// many photos costs.

import { once } from 'node:events';
import { mkdir, open, rename } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { join } from 'node:path';

import mqtt from 'mqtt';

import { run } from '../harness/child.mjs';
import { unstamp } from '../harness/jpeg.mjs';
import { memory } from '../harness/process.mjs';
import { folder } from '../harness/scratch.mjs';
import { ulid } from '../harness/ulid.mjs';
import { until } from '../harness/until.mjs';
import { BINARY, Vitrina } from '../harness/vitrina.mjs';

/** Bytes of a snapshot. */
const BYTES = 300_000;
/** As many threads of the store write files. */
export const WRITERS = 8;
/** Bytes of a sidecar. */
const BESIDE = 600;

const START = { limit: 60_000 };
const COMMENT = 65_000;

/**
 * Snapshots a second from their publishing until they are acknowledged, through the broker, for
 * `seconds`, with `open` of them on their way.
 */
export async function ingest(seconds, open) {
  const { broker, gallery } = await parts();
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`);
  await client.subscribeAsync(['vitrina/bench/stored', 'vitrina/gallery/+/status'], { qos: 1 });
  const make = await snapshots();
  let [online, stored, refused] = [false, 0, null];
  const publish = () => client.publish('vitrina-jpeg/bench/camera/snapshot', make(), { qos: 1 });
  client.on('message', (topic, payload) => {
    if (topic.endsWith('/status')) {
      online ||= `${payload}` === 'online';
      return;
    }
    refused ??= JSON.parse(payload).error;
    stored += 1;
    publish();
  });
  // A node publishes again what nobody answered; this client does not, so it waits like a node.
  await until('the gallery stores', () => online, START);
  for (let n = 0; n < open; n++) publish();
  await until('the first are stored', () => stored > 2 * open, { limit: 60_000 });
  const [begin, before] = [performance.now(), stored];
  await until('the time is over', () => performance.now() - begin > seconds * 1000, { limit: seconds * 2000 });
  const rate = ((stored - before) * 1000) / (performance.now() - begin);
  await client.endAsync(true);
  await gallery.stop();
  await broker.stop();
  if (refused) throw new Error(`a snapshot was refused: ${refused}`);
  return rate;
}

/**
 * Photos a second that the disk takes when the same is written in the same way, by `open` at once:
 * file and sidecar synced side by side, the folder and a log once for a group.
 */
export async function disk(seconds, group) {
  const [aside, day] = [folder('incoming'), folder('day')];
  const [content, beside] = [Buffer.alloc(BYTES, 1), Buffer.alloc(BESIDE, 2)];
  const log = await open_(join(aside, 'log'));
  const [begin, end] = [performance.now(), performance.now() + seconds * 1000];
  let done = 0;
  while (performance.now() < end) {
    const names = Array.from({ length: group }, () => `${(done += 1)}`);
    const left = names.values();
    const write = async () => {
      for (const name of left) for (const [bytes, ending] of [[content, 'jpg'], [beside, 'json']]) {
        const file = await open_(join(aside, `${name}.${ending}`));
        await file.write(bytes);
        await file.sync();
        await file.close();
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
    for (const name of names) for (const ending of ['json', 'jpg']) {
      await rename(join(aside, `${name}.${ending}`), join(day, `${name}.${ending}`));
    }
    const at = await open(day);
    await at.sync();
    await at.close();
    await log.write(Buffer.alloc(4096 * 8));
    await log.sync();
  }
  const rate = (done * 1000) / (performance.now() - begin);
  await log.close();
  return rate;
}

const open_ = (path) => open(path, 'w');

/** Gives a function that makes snapshots of a camera, each another photo. */
async function snapshots() {
  const card = ['show=always', 'width=1920', 'height=1080'].map((pair) => `node.test_card.${pair}`);
  const vitrina = await Vitrina.start([], { set: ['node.name=card', ...card], ...START });
  const still = async () => {
    const answer = await fetch(new URL('/cameras/card/test-card/snapshot.jpg', vitrina.wall));
    return answer.ok && Buffer.from(await answer.arrayBuffer());
  };
  const { bare } = unstamp(await until('a picture', still, START));
  await vitrina.stop();
  return () => {
    const at = Date.now();
    const parts = [comment(`vitrina node=bench camera=camera seq=1 at=${at}000 mono=${at} boot=bench photo=${ulid(at)}`)];
    for (let left = BYTES - bare.length; left > 0; left -= COMMENT) parts.push(comment(Buffer.alloc(Math.min(left, COMMENT), 'x')));
    return Buffer.concat([bare.subarray(0, 2), ...parts, bare.subarray(2)]);
  };
}

function comment(content) {
  const head = Buffer.from([0xff, 0xfe, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, Buffer.from(content)]);
}

async function parts(data) {
  const broker = await Vitrina.start(['broker'], START);
  const begin = performance.now();
  const gallery = await Vitrina.start(['gallery'], { data, set: [`gallery.broker=mqtt://127.0.0.1:${broker.port}`], ...START });
  const start = performance.now() - begin;
  await until('it stores', async () => (await (await fetch(new URL('/healthz', gallery.wall))).json()).status === 'ok', START);
  return { broker, gallery, start };
}

/** What a gallery does with an index of `photos`: `times` in ms by what was asked, start and memory. */
export async function index(photos) {
  const data = folder('many');
  await mkdir(join(data, 'gallery'));
  const { code, stderr } = await run(join(BINARY, '..', 'examples', 'fill'), [join(data, 'gallery'), `${photos}`]);
  if (code !== 0) throw new Error(`no index: ${stderr}`);
  const { broker, gallery, start } = await parts(data);
  const ask = asker(gallery.wall);
  const { cameras, people } = (await ask('/api/photos/sources')).body;
  const [camera, person] = [cameras[3].camera, people[5].id];
  const filters = {
    '100 photos a page, with and without from, to and before': '',
    'the same of a camera': `camera=${camera}`,
    'the same of a person': `person=${person}`,
    'the same of both': `camera=${camera}&person=${person}`,
  };
  const times = {};
  const add = (what, ms) => (times[what] ??= []).push(ms);
  const newest = (await ask('/api/photos?limit=1')).body[0].taken;
  const span = photos * 90_000;
  for (const [name, filter] of Object.entries(filters)) {
    for (let round = 0; round < 40; round++) {
      const to = Math.round(newest - (span * round) / 40);
      const from = Math.round(to - span / 8);
      for (const range of ['', `to=${to}`, `from=${from}`, `from=${from}&to=${to}`]) {
        const { ms, next } = await ask(`/api/photos?${filter}&${range}`);
        add(name, ms);
        if (next) add(name, (await ask(next)).ms);
      }
    }
  }
  for (let n = 0; n < 40; n++) add('500 photos a page', (await ask(`/api/photos?limit=500&to=${Math.round(newest - (span * n) / 40)}`)).ms);
  for (let n = 0; n < 10; n++) add('all days with a word', (await ask('/api/photos/days?zone=Europe/Madrid&word=no.%207')).ms);
  for (let n = 0; n < 10; n++) add('what has a word', (await ask('/api/photos/found?word=camera-7')).ms);
  for (let n = 0; n < 10; n++) add('all days of the grid', (await ask('/api/photos/days?zone=Europe/Madrid')).ms);
  const bytes = memory(gallery.pid);
  await gallery.kill();
  const unclean = performance.now();
  await gallery.again(START);
  const restart = performance.now() - unclean;
  ask.end();
  await gallery.stop();
  await broker.stop();
  return { start, restart, times, bytes };
}

/** Asks over one connection: `{body, next, ms}`, the time until the last byte was here. */
function asker(wall) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (path) => {
    const begin = performance.now();
    const [answer] = await once(get(new URL(path, wall), { agent }), 'response');
    const chunks = [];
    for await (const chunk of answer) chunks.push(chunk);
    const ms = performance.now() - begin;
    if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode}`);
    const next = /<([^>]+)>; *rel="next"/.exec(answer.headers.link ?? '')?.[1];
    return { body: JSON.parse(Buffer.concat(chunks)), next, ms };
  };
  ask.end = () => agent.destroy();
  return ask;
}
