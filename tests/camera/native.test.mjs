// A camera at the processor's own speed (preload/v4l2cam.c): every frame, every fault.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { accounted, asMade, growth } from '../harness/frames.mjs';
import { Subscriber, wanted } from '../harness/mosquitto.mjs';
import { Cameras, pictures } from '../harness/preload.mjs';
import { descriptors, threads } from '../harness/process.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const STATS = { limit: 15_000 };

let cameras;
let vitrina;
let facts;
let frames;
let camera;
let made;
let want;

const state = (is, options) => facts.fact(`vitrina/${camera}/state`, is, options);
const works = ({ state }) => state === 'live' || state === 'idle';

/** The figures of the next stats message. */
async function figures() {
  const have = facts.messages.length;
  const topic = 'vitrina/here/stats';
  const next = () => facts.messages.slice(have).findLast((message) => message.topic === topic);
  await until('stats', next, STATS);
  return JSON.parse(next().payload).cameras[camera.split('/')[1]];
}

/** Waits for `count` frames more. */
async function more(count) {
  const have = frames.messages.length;
  await until(`${count} frames more`, () => frames.messages.length >= have + count);
}

before(async () => {
  cameras = new Cameras(1);
  vitrina = await Vitrina.start([], { set: ['node.name=here'], env: cameras.env });
  facts = new Subscriber(vitrina.port, ['vitrina/#']);
  const info = await facts.fact('vitrina/here/info', ({ kind, cameras }) => kind === 'v4l2' && cameras.length === 1);
  camera = `here/${info.cameras[0]}`;
  frames = new Subscriber(vitrina.port, [`vitrina-jpeg/${camera}/live/full`]);
});

after(async () => {
  want?.stop();
  await Promise.all([facts?.stop(), frames?.stop()]);
  await vitrina?.stop();
});

test('the camera is found by its stable name, and idle while nobody looks', async () => {
  const found = await state(({ state }) => state === 'idle');
  assert.equal(found.format, 'MJPG');
  assert.match(found.device, /\/dev\/v4l\/by-id\/usb-Rig_Rig_Test_Camera_RIG0000-video-index0$/);
  made = pictures(found.size);
  assert.equal(made.length, 30);
});

test('300 frames are byte for byte what the camera made, but for our segment', async () => {
  want = wanted(vitrina.port, camera, 60);
  await state(({ state }) => state === 'live');
  await until('300 frames', () => frames.messages.length >= 300, { limit: 40_000 });
  let last;
  for (const { payload } of frames.messages) {
    const { seq, number } = asMade(payload, made);
    // Both numbers skip together, which shows that a frame never came.
    if (last) assert.equal(seq - last.seq, number - last.number);
    last = { seq, number };
  }
});

test('broken frames are dropped, each under its reason, and the stream goes on', async () => {
  const before = await figures();
  for (const fault of ['err 5', 'truncate 4', 'empty 3', 'drop 2']) {
    cameras.command(fault);
    await more(30);
  }
  const after = await figures();
  accounted(after);
  const grown = growth(before, after);
  assert.equal(grown['error-flag'], 5);
  assert.equal(grown.truncated, 4);
  assert.equal(grown.empty, 3);
  assert.ok(grown.driver >= 2, JSON.stringify(grown));
  for (const { payload } of frames.messages) asMade(payload, made);
});

test('a camera that gives nothing for 3 s is lost, with the reason, and comes back', async () => {
  const before = Date.now();
  cameras.command('stall');
  const lost = await state(({ state }) => state === 'lost');
  assert.equal(lost.reason, 'stalled');
  assert.ok(Date.now() - before >= 2500, 'not before its time');
  cameras.command('resume');
  await state(({ state }) => state === 'live');
  await more(10);
});

test('frames that are all broken are no pictures: lost', async () => {
  cameras.command('truncate 400');
  const lost = await state(({ state }) => state === 'lost');
  assert.equal(lost.reason, 'broken');
  cameras.command('truncate 0');
  await state(({ state }) => state === 'live', { limit: 20_000 });
  await more(10);
});

test('twenty times unplugged, twenty times back, and nothing leaks', async () => {
  const count = () => [threads(vitrina.pid), descriptors(vitrina.pid)];
  const before = count();
  for (let i = 0; i < 20; i += 1) {
    cameras.command('unplug');
    const lost = await state(({ state }) => state === 'lost');
    assert.equal(lost.reason, 'unplugged');
    cameras.command('plug');
    await state(works);
    await more(3);
  }
  await until(`no more threads and descriptors than ${before}`, () => {
    // Fewer is no leak: an idle thread of the runtime may have ended since.
    const after = count();
    if (after.every((number, i) => number <= before[i])) return true;
    throw new Error(`${after}`);
  });
  accounted(await figures());
});

test('after all that, what was made was delivered or is counted as dropped', async () => {
  want.stop();
  await state(({ state }) => state === 'idle', { limit: 20_000 });
  // Nobody asks any more, so no frame is in transit.
  const end = await figures();
  accounted(end);
  assert.deepEqual(await vitrina.stop(), { code: 0, signal: null });
  // A newer frame may have taken a frame's place in the broker, which says so at its end.
  const replaced = Number(/ replaced=(\d+)/.exec(vitrina.stderr)[1]);
  const delivered = frames.messages.length;
  assert.ok(delivered <= end.published && end.published <= delivered + replaced,
    `published ${end.published}, delivered ${delivered}, replaced in the broker ${replaced}`);
});

test('nothing was logged a thousand times, and nothing panicked', () => {
  assert.doesNotMatch(vitrina.stderr, /panicked/);
  const lines = vitrina.stderr.split('\n').length;
  assert.ok(lines < 300, `${lines} lines:\n${vitrina.stderr.slice(-3000)}`);
});
