// What drivers do to time: they report it wrong, let it stand still, or take very long.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';

import { uncomment, unstamp } from '../harness/jpeg.mjs';
import { Subscriber, wanted } from '../harness/mosquitto.mjs';
import { Cameras } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina, vitrina as run } from '../harness/vitrina.mjs';

const CAMERA = 'here/rig-test-camera-rig0000';
const STATE = `vitrina/${CAMERA}/state`;
const LONG = { limit: 60_000 };

/** A program with one camera that got these commands first. */
async function started(t, commands = []) {
  const cameras = new Cameras(1, { commands });
  const vitrina = await Vitrina.start([], { set: ['node.name=here'], env: cameras.env });
  const facts = new Subscriber(vitrina.port, ['vitrina/#']);
  const pictures = new Subscriber(vitrina.port, [`vitrina-jpeg/${CAMERA}/+`, `vitrina-jpeg/${CAMERA}/live/full`]);
  t.after(async () => {
    await Promise.all([facts.stop(), pictures.stop()]);
    await vitrina.stop();
  });
  const api = async (path, options) => fetch(new URL(`api/cameras${path}`, vitrina.wall), options);
  const listed = async () => (await (await api('')).json()).find(({ camera }) => camera === CAMERA);
  const snap = () => api(`/${CAMERA}/snap`, { method: 'POST' });
  const states = () => facts.messages.filter(({ topic }) => topic === STATE).map(({ payload }) => JSON.parse(payload));
  const of = (name) => pictures.messages.filter(({ topic }) => topic.endsWith(name)).map(({ payload }) => payload);
  return { cameras, vitrina, facts, listed, snap, states, of };
}

const works = ({ state }) => state === 'live' || state === 'idle';

test('whatever a driver says of time, frames flow at the rate wanted and are as old as they are', async (t) => {
  const { cameras, vitrina, facts, listed, states, of } = await started(t);
  await facts.fact(STATE, works);
  const want = wanted(vitrina.port, CAMERA, 10);
  t.after(() => want.stop());
  await until('a live picture', () => of('live/full').length > 0);
  for (const lie of ['zero', 'stuck', 'future', 'old', 'jumps', 'back', 'coarse', 'real', 'unknown', 'true']) {
    cameras.command(`time-${lie}`);
    const from = of('live/full').length + 3;
    await until(`pictures while the time is ${lie}`, () => of('live/full').length >= from + 40, LONG);
    const frames = of('live/full').slice(from, from + 40).map((jpeg) => {
      const { stamp, bare } = unstamp(jpeg);
      const { made } = uncomment(bare);
      return { mono: Number(stamp.mono), got: Number(stamp.got), seq: Number(made.seq), true: Number(made.mono_ns) / 1000 };
    });
    // By the camera's own count: it makes 30 a second, so every third is wanted.
    const passed = frames.at(-1).seq - frames[0].seq;
    assert.ok(passed >= 100 && passed <= 140, `${lie}: 40 frames of ${passed}`);
    for (const [i, frame] of frames.entries()) {
      assert.ok(i === 0 || frame.mono > frames[i - 1].mono, `${lie}: times rise`);
      // If the driver cannot be right, the time when the node had the frame counts.
      const ahead = frame.mono - frame.true;
      assert.ok(ahead > -1_100_000 && ahead <= frame.mono + frame.got - frame.true, `${lie}: ${JSON.stringify(frame)}`);
    }
    assert.ok((await listed()).age_ms < 60_000, lie);
  }
  assert.ok(states().every(works), JSON.stringify(states()));
});

test('a source that stands still is lost since it does, not stale and called live; and live when it moves', async (t) => {
  const { cameras, vitrina, facts, listed, snap, of } = await started(t);
  await facts.fact(STATE, works);
  await until('a preview', () => of('/preview').length > 0);
  cameras.command('freeze');
  const lost = await facts.fact(STATE, ({ state }) => state === 'lost');
  assert.equal(lost.reason, 'frozen');
  assert.ok(Date.now() - lost.since >= 3000, 'since the first picture of that time');
  const shown = await until('the wall knows', async () => {
    const camera = await listed();
    return camera.state === 'lost' && camera.age_ms > 3000 && camera;
  });
  assert.equal(shown.reason, 'frozen');
  const have = of('/preview').length;
  const refused = await snap();
  assert.equal(refused.status, 503);
  assert.match((await refused.json()).error, /one picture again and again/);
  const still = await fetch(new URL(`cameras/${CAMERA}/snapshot.jpg`, vitrina.wall));
  assert.equal(still.status, 503);
  const table = await run(['watch', '--once', '--set', `broker.listen=127.0.0.1:${vitrina.port}`], { data: vitrina.data });
  assert.match(table.stdout, /lost: frozen .* \d+\.\d s/, table.stderr);
  assert.equal(of('/preview').length, have, 'nothing of it is sent');
  cameras.command('move');
  await facts.fact(STATE, works);
  assert.equal((await snap()).status, 201);
  assert.equal(vitrina.stderr.match(/again and again/g).length, 2, 'logged once by the node and once by the gallery');
});

test('a camera before a thing that stands still is live', async (t) => {
  const { cameras, facts, states, of } = await started(t);
  await facts.fact(STATE, works);
  cameras.command('still');
  const have = of('/preview').length;
  await until('previews go on', () => of('/preview').length >= have + 6, LONG);
  assert.ok(states().every(works), JSON.stringify(states()));
});

for (const [what, commands, interval] of [
  ['that says so', ['says 4'], 5],
  ['whose driver promises 30 a second', ['period 4000', 'first 50'], 5],
]) {
  test(`one frame in 4 s, of a camera ${what}: it works, gives photos, and is not logged about`, async (t) => {
    const { vitrina, facts, listed, snap, states } = await started(t, commands);
    await facts.fact(STATE, works, LONG);
    const asked = await Promise.all([snap(), snap()]);
    assert.deepEqual(asked.map(({ status }) => status), [201, 201]);
    assert.equal((await snap()).status, 201);
    await facts.fact(STATE, (state) => state.interval === interval, LONG);
    assert.equal((await listed()).interval, interval);
    const still = await fetch(new URL(`cameras/${CAMERA}/snapshot.jpg`, vitrina.wall));
    assert.equal(still.status, 200, 'its newest picture is not stale');
    assert.ok(states().every(works), JSON.stringify(states()));
    assert.equal(vitrina.stderr.match(/camera works/g).length, 1);
    assert.doesNotMatch(vitrina.stderr, /gives no frames/);
  });
}

test('a camera that needs 15 s for its first frame is waited for', async (t) => {
  const { vitrina, facts, states } = await started(t, ['first 15000']);
  await facts.fact(STATE, works, LONG);
  assert.ok(states().every(works), JSON.stringify(states()));
  assert.doesNotMatch(vitrina.stderr, /gives no frames/);
});
