// Drivers that report nonsense, cameras that appear late, and devices that do not answer.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';

import { Subscriber } from '../harness/mosquitto.mjs';
import { run } from '../harness/child.mjs';
import { Cameras } from '../harness/preload.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { BINARY, Vitrina } from '../harness/vitrina.mjs';

const CAMERA = 'here/rig-test-camera-rig0000';
const OTHER = 'here/rig-test-camera-rig0001';
const works = ({ state }) => state === 'live' || state === 'idle';

async function start(t, count, environment, set = []) {
  const cameras = new Cameras(count, { environment });
  const vitrina = await Vitrina.start([], { set: ['node.name=here', ...set], env: cameras.env });
  const facts = new Subscriber(vitrina.port, ['vitrina/#']);
  t.after(async () => {
    await facts.stop();
    assert.deepEqual(await vitrina.stop(), { code: 0, signal: null });
    assert.doesNotMatch(vitrina.stderr, /panicked/);
  });
  const state = (camera, is) => facts.fact(`vitrina/${camera}/state`, is, { limit: 40_000 });
  const health = async () => (await fetch(`${vitrina.wall}healthz`)).json();
  return { cameras, vitrina, facts, state, health };
}

for (const interval of ['0/0', '0/1', '1/0', '1/10000000', '4294967295/1', '4294967295/4294967295']) {
  test(`a driver that says that a frame takes ${interval} s is used`, async (t) => {
    const { vitrina, state, health } = await start(t, 1, { V4L2CAM_INTERVAL: interval });
    await state(CAMERA, works);
    const previews = new Subscriber(vitrina.port, [`vitrina-jpeg/${CAMERA}/preview`]);
    t.after(() => previews.stop());
    await until('pictures that go on', () => previews.messages.length >= 3);
    assert.deepEqual(await health(), { status: 'ok' });
  });
}

// In a raw format most depends on the numbers.
for (const nonsense of ['endless', 'steps', 'backwards', 'stride', 'image', 'used', 'count', 'stride image used count']) {
  test(`a driver whose numbers are nonsense (${nonsense}) gives pictures`, async (t) => {
    const set = [`node.camera=[{name="rig-test-camera-rig0000", format="YUYV"}]`];
    const { vitrina, state, health } = await start(t, 1, { V4L2CAM_NONSENSE: nonsense }, set);
    await state(CAMERA, works);
    const previews = new Subscriber(vitrina.port, [`vitrina-jpeg/${CAMERA}/preview`]);
    t.after(() => previews.stop());
    await until('pictures that go on', () => previews.messages.length >= 3, { limit: 20_000 });
    assert.deepEqual(await health(), { status: 'ok' });
  });
}

for (const [nonsense, reason] of [['empty', 'format'], ['huge', 'format'], ['index', 'device']]) {
  test(`a driver whose numbers are nonsense (${nonsense}) is told as such, and health says so`, async (t) => {
    const { state, health } = await start(t, 1, { V4L2CAM_NONSENSE: nonsense });
    const told = await state(CAMERA, ({ state }) => state === 'error');
    assert.equal(told.reason, reason);
    await until('health says so', async () => (await health()).reasons?.[0].startsWith(`${CAMERA}: `));
  });
}

test('a camera whose name is no text has one that can be shown', async (t) => {
  const { facts } = await start(t, 1, { V4L2CAM_NONSENSE: 'name' });
  const { cameras: [name] } = await facts.fact('vitrina/here/info', ({ kind, cameras }) => kind === 'v4l2' && cameras.length === 1);
  assert.match(name, /^[a-z0-9_-]+-rig0000$/);
  await facts.fact(`vitrina/here/${name}/state`, works);
});

test('a control that gives an error hides no other', async (t) => {
  const { state } = await start(t, 1, { V4L2CAM_INIT: 'deaf 2' });
  const { controls } = await state(CAMERA, works);
  assert.deepEqual(Object.keys(controls).sort(), [
    'auto_exposure', 'brightness', 'exposure_time_absolute', 'power_line_frequency', 'saturation', 'sharpness',
    'white_balance_automatic',
  ]);
});

test('a loopback is a camera from when a program writes to it, lost when it ends, and back again', async (t) => {
  const { cameras, facts, state } = await start(t, 1, { V4L2CAM_INIT: 'output' });
  await facts.fact('vitrina/here/info', ({ cameras }) => cameras.includes('test-card'));
  cameras.command('capture');
  await state(CAMERA, works);
  cameras.command('output');
  const lost = await state(CAMERA, ({ detail }) => detail?.includes('loopback'));
  assert.deepEqual([lost.state, lost.reason], ['lost', 'stalled']);
  cameras.command('capture');
  await state(CAMERA, works);
});

test('a device that keeps whoever opens it keeps no other camera, and not the end', async (t) => {
  const { vitrina, cameras, state, health } = await start(t, 2, { V4L2CAM_INIT: '0 hang' });
  await state(OTHER, works);
  const { state: is, detail } = await state(CAMERA, ({ reason }) => reason === 'device');
  assert.equal(is, 'error');
  assert.match(detail, /does not answer/);
  const told = await until('health says so', async () => {
    const { status, reasons } = await health();
    return status === 'degraded' && reasons;
  });
  assert.ok(told);
  // It ends although the device still keeps a thread of ours; see the end of every test here.
  cameras.command('1 stall');
  await state(OTHER, ({ state }) => state === 'lost');
  assert.ok(vitrina.alive);
});

test('a device that answers at last is a camera', async (t) => {
  const { cameras, state, health } = await start(t, 2, { V4L2CAM_INIT: '0 hang' });
  await state(CAMERA, ({ reason }) => reason === 'device');
  cameras.command('0 answer');
  await state(CAMERA, works);
  await until('health is well', async () => (await health()).status === 'ok');
});

/** What `vitrina cameras` says with these cameras plugged in. */
async function listed(cameras, set = []) {
  const env = { PATH: process.env.PATH, ...cameras.env };
  const args = ['cameras', '--data', folder('data'), ...set.flatMap((pair) => ['--set', pair])];
  return (await run('env', [...Object.entries(env).map((pair) => pair.join('=')), BINARY, ...args])).stdout;
}

test('a device that keeps whoever opens it does not keep `vitrina cameras`', async () => {
  const said = await listed(new Cameras(2, { environment: { V4L2CAM_INIT: '0 hang' } }));
  assert.match(said, /rig-test-camera-rig0001 \(/);
  assert.match(said, /does not answer/);
});

test('a [[node.camera]] that matches nothing is said in the log and by `vitrina cameras`, with what there is', async (t) => {
  const set = ['node.camera=[{name="porch", device="/dev/v4l/by-id/usb-none"}, {name="atic", quality=70}, {name="rig-test-camera-rig0000", quality=70}]'];
  const words = [/name = "porch", device = "\/dev\/v4l\/by-id\/usb-none" matches no camera/, /name = "atic" matches no camera/];
  const here = /here are rig-test-camera-rig0000 \(device = "/;
  const said = await listed(new Cameras(1), set);
  for (const word of [...words, here]) assert.match(said, word);
  assert.equal(said.match(/matches no camera/g).length, 2, said);

  const { vitrina, state } = await start(t, 1, {}, set);
  await state(CAMERA, works);
  await until('the log says so', () => vitrina.stderr.includes('matches no camera'), { limit: 40_000 });
  for (const word of [...words, here]) assert.match(vitrina.stderr, word);
});
