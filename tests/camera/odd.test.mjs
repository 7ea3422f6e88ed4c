// Frames as strange cameras give them, byte for byte: what goes out is one whole picture or nothing.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';

import { segments, size, unstamp } from '../harness/jpeg.mjs';
import { Subscriber, wanted } from '../harness/mosquitto.mjs';
import { Cameras, pictures } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina, vitrina as command } from '../harness/vitrina.mjs';

const CAMERA = 'here/rig-test-camera-rig0000';
const STATS = { limit: 15_000 };

const small = pictures('640x480');
const END = Buffer.from([0xff, 0xd9]);
const EMPTY = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);

/** A Vitrina whose only camera gives these frames, and whoever listens to it. */
async function watch(t, format, frames) {
  const vitrina = await Vitrina.start([], { set: ['node.name=here'], env: new Cameras(1, { format, frames }).env });
  const facts = new Subscriber(vitrina.port, ['vitrina/#']);
  const topics = new Subscriber(vitrina.port, [`vitrina-jpeg/${CAMERA}/#`]);
  t.after(async () => {
    await Promise.all([facts.stop(), topics.stop()]);
    await vitrina.stop();
  });
  const of = (name) => topics.messages.filter(({ topic }) => topic.endsWith(`/${name}`)).map(({ payload }) => payload);
  const state = (is) => facts.fact(`vitrina/${CAMERA}/state`, is, { limit: 20_000 });
  return { vitrina, facts, of, state };
}

const works = ({ state }) => state === 'live' || state === 'idle';

/** The picture with `change` made of each segment's place. */
function between(jpeg, bytes) {
  const parts = [jpeg.subarray(0, 2)];
  let at = 2;
  for (const { end } of segments(jpeg)) {
    parts.push(bytes, jpeg.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...parts, jpeg.subarray(at)]);
}

function without(jpeg, marker) {
  const kept = [...segments(jpeg)].filter((segment) => segment.marker !== marker);
  const { end } = kept.at(-1);
  return Buffer.concat([jpeg.subarray(0, 2), ...kept.map((segment) => jpeg.subarray(segment.start, segment.end)), jpeg.subarray(end)]);
}

const halved = (jpeg) => jpeg.subarray(0, jpeg.length / 2);
const endless = (jpeg) => jpeg.subarray(0, jpeg.length - END.length);
const next = (i) => small[(i + 1) % small.length];

for (const [name, odd] of [
  ['bytes between its segments', (jpeg) => between(jpeg, Buffer.from([0, 0xd9, 0]))],
  ['filling between its segments', (jpeg) => between(jpeg, Buffer.from([0xff, 0xff]))],
  ['an empty JPEG before it', (jpeg) => Buffer.concat([EMPTY, EMPTY, jpeg])],
  ['rubbish before it', (jpeg) => Buffer.concat([Buffer.alloc(96), jpeg])],
  ['rubbish behind it', (jpeg) => Buffer.concat([jpeg, Buffer.alloc(20_000, 0x5a)])],
  ['the tail of a longer picture behind it', (jpeg) => Buffer.concat([jpeg, small[0].subarray(1000)])],
  ['half a picture before it', (jpeg, i) => Buffer.concat([halved(next(i)), jpeg])],
  ['half a picture behind it', (jpeg, i) => Buffer.concat([jpeg, halved(next(i))])],
  ['another picture before it', (jpeg, i) => Buffer.concat([next(i), jpeg])],
  ['no end', endless],
  ['no end, but zeros', (jpeg) => Buffer.concat([endless(jpeg), Buffer.alloc(4096)])],
  ['a damaged end', (jpeg) => Buffer.concat([endless(jpeg), Buffer.from([0xd9, 0])])],
]) {
  test(`a camera whose pictures all have ${name} is shown, and nothing but them goes out`, async (t) => {
    const { of, state, vitrina } = await watch(t, 'MJPG,640x480,0', small.map(odd));
    await state(works);
    const want = wanted(vitrina.port, CAMERA, 30);
    t.after(() => want.stop());
    await until('20 pictures', () => of('live/full').length >= 20);
    for (const picture of of('live/full')) {
      const { bare } = unstamp(picture);
      assert.ok(small.some((made) => made.equals(bare)), `${bare.length} bytes`);
    }
  });
}

test('a camera that leaves out the Huffman tables is shown with them', async (t) => {
  const { of, state } = await watch(t, 'MJPG,640x480,0', small.map((jpeg) => without(jpeg, 0xc4)));
  await state(works);
  await until('a preview', () => of('preview').length > 0);
  const { bare } = unstamp(of('preview').at(-1));
  assert.ok([...segments(bare)].some(({ marker }) => marker === 0xc4));
});

test('a camera that gives a larger picture than was agreed is shown at its true size', async (t) => {
  const { of, state } = await watch(t, 'MJPG,640x480,0', pictures('1280x720'));
  const told = await state((state) => works(state) && state.size === '1280x720');
  assert.deepEqual(told.sizes, ['full', 'half', 'quarter']);
  await until('a preview', () => of('preview').length > 0);
  for (const preview of of('preview')) assert.equal(size(preview), '640x360');
});

test('a camera whose pictures are all cut says so, and nothing of them goes out', async (t) => {
  const { facts, of, state } = await watch(t, 'MJPG,640x480,0', small.map(halved));
  const lost = await state(({ state }) => state === 'lost');
  assert.equal(lost.reason, 'broken');
  const stats = () => facts.messages.find(({ topic }) => topic === 'vitrina/here/stats');
  await until('stats', stats, STATS);
  assert.ok(JSON.parse(stats().payload).cameras[CAMERA.split('/')[1]].dropped.truncated > 0);
  assert.equal(of('preview').length, 0);
});

for (const [format, bytes, stride] of [
  ['YVYU', 1, 0],
  ['YV12', 1.5, 0],
  ['BGR3', 1, 0],
  ['RGBP', 1, 0],
  ['NV16', 2, 0],
  ['BX24', 1, 700],
  ['Y16 ', 1, 384],
  ['Y16 -BE', 1, 0],
]) {
  test(`a camera that gives ${format} is shown`, async (t) => {
    const [width, height] = [160, 120];
    const least = { YVYU: 2, BGR3: 3, RGBP: 2, BX24: 4, 'Y16 ': 2, 'Y16 -BE': 2 }[format] ?? 1;
    const line = stride || width * least;
    const frames = [0, 1, 2, 3].map((n) => Buffer.from({ length: line * height * bytes }, (_, i) => (i * 7 + n * 50) % 251));
    const { of, state } = await watch(t, `${format},${width}x${height},${line}`, frames);
    const told = await state(works);
    assert.equal(told.format, format.replace(' ', ''));
    await until('a preview', () => of('preview').length > 0);
    assert.equal(size(of('preview').at(-1)), '160x120');
  });
}

test('a camera that gives only video is named as what it is', async () => {
  const { env } = new Cameras(1, { frames: [Buffer.alloc(100)], format: 'H264,640x480,0' });
  const { stdout } = await command(['cameras'], { env });
  assert.match(stdout, /gives only H264, video/);
});
