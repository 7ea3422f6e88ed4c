// Cameras that identify themselves alike: no name ever stands over another camera's picture.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';

import { Subscriber, publish, wanted } from '../harness/mosquitto.mjs';
import { Cameras } from '../harness/preload.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina, vitrina as command } from '../harness/vitrina.mjs';

const LINK = '/dev/v4l/by-id/usb-Rig_Rig_Test_Camera_TWIN-video-index0';
const port = (number) => `/dev/v4l/by-path/pci-0000:00:14.0-usb-0:${number}:1.0-video-index0`;
const works = (state) => state === 'live' || state === 'idle';

/** A node with `count` cameras, and what it says of them. */
async function start(count, environment, { data = folder('data'), set = [] } = {}) {
  const cameras = new Cameras(count, { environment });
  const vitrina = await Vitrina.start([], { set: ['node.name=here', ...set], env: cameras.env, data });
  const facts = new Subscriber(vitrina.port, ['vitrina/#']);
  const pictures = new Subscriber(vitrina.port, ['vitrina-jpeg/here/+/live/full']);
  const names = () => facts.json('vitrina/here/info')?.cameras.filter((name) => name !== 'test-card') ?? [];
  const state = (name) => facts.json(`vitrina/here/${name}/state`);
  return {
    cameras,
    data,
    port: vitrina.port,
    /** All that was published, from the beginning. */
    told: () => facts.messages,
    /** A gallery comes online. */
    greet: () => publish(vitrina.port, 'vitrina/gallery/0badcafe/status', 'online'),
    /** Somebody clears what the broker retains of a camera. */
    clear: (name) => publish(vitrina.port, `vitrina/here/${name}/state`, '', ['-r']),
    names,
    state,
    /** All its states, from the beginning. */
    states: (name) => facts.messages
      .filter(({ topic }) => topic === `vitrina/here/${name}/state`)
      .map(({ payload }) => JSON.parse(payload)),
    /** Waits until as many cameras work. */
    working: (many) => until(`${many} cameras that work`, () => {
      if (names().filter((name) => works(state(name)?.state)).length === many) return true;
      throw new Error(JSON.stringify(names().map((name) => [name, state(name)])));
    }, { limit: 30_000 }),
    /** The sensor whose picture each working name shows, by pictures still to come. */
    async seen() {
      const from = pictures.messages.length;
      const working = names().filter((name) => works(state(name)?.state));
      const wants = working.map((name) => wanted(vitrina.port, `here/${name}`, 5));
      const of = (name) => {
        const message = pictures.messages.slice(from).findLast(({ topic }) => topic.split('/')[2] === name);
        return message && /serial=RIG(\d+)/.exec(message.payload.toString('latin1'))[1];
      };
      await until(`pictures of ${working}`, () => working.every(of), { limit: 20_000 })
        .finally(() => wants.forEach((want) => want.stop()));
      return Object.fromEntries(working.map((name) => [name, of(name)]));
    },
    async stop() {
      await Promise.all([facts.stop(), pictures.stop()]);
      assert.deepEqual(await vitrina.stop(), { code: 0, signal: null });
      assert.doesNotMatch(vitrina.stderr, /panicked/);
    },
  };
}

for (const [what, twins] of [['the same serial number', 'yes'], ['no serial number', 'mute']]) {
  test(`three cameras with ${what} keep their names over restarts, by their ports`, async () => {
    let rig = await start(3, { V4L2CAM_TWINS: twins });
    await rig.working(3);
    const before = await rig.seen();
    assert.equal(new Set(Object.values(before)).size, 3);
    await rig.stop();
    for (const ports of ['2,3,1', '3,1,2', '1,2,3']) {
      rig = await start(3, { V4L2CAM_TWINS: twins, V4L2CAM_PORTS: ports }, { data: rig.data });
      await rig.working(3);
      assert.deepEqual(await rig.seen(), before, `ports ${ports}`);
      await rig.stop();
    }
  });
}

test('of twins that are pulled out and come back, each has its name, and the link moves as it likes', async (t) => {
  const rig = await start(2, { V4L2CAM_TWINS: 'yes' });
  t.after(() => rig.stop());
  await rig.working(2);
  const before = await rig.seen();
  const right = async () => {
    for (const [name, sensor] of Object.entries(await rig.seen())) assert.equal(sensor, before[name], name);
    assert.deepEqual(rig.names().sort(), Object.keys(before).sort(), 'nobody else came');
  };
  for (const camera of [0, 1, 0]) {
    rig.cameras.command(`${camera} unplug`);
    await rig.working(1);
    await right();
    rig.cameras.command(`${camera} plug`);
    await rig.working(2);
    await right();
    rig.cameras.command(`${1 - camera} link`);
    await right();
  }
  // Both at once, and back in the other order.
  rig.cameras.command('unplug');
  await rig.working(0);
  rig.cameras.command('1 plug');
  await rig.working(1);
  rig.cameras.command('0 plug');
  await rig.working(2);
  await right();
  // A camera works before udev has made its links, and is told by them a moment later.
  await until('the link is nobody\'s', () => {
    for (const name of rig.names()) assert.match(rig.state(name).device, /by-path/, name);
    return true;
  });
});

test('a camera alone is known by its device; with a twin beside it, it keeps name and stream', async (t) => {
  const rig = await start(2, { V4L2CAM_TWINS: 'yes', V4L2CAM_INIT: '1 unplug' });
  t.after(() => rig.stop());
  await rig.working(1);
  const [first] = rig.names();
  assert.equal(rig.state(first).device, LINK);
  const before = await rig.seen();
  rig.cameras.command('1 plug');
  await rig.working(2);
  assert.equal((await rig.seen())[first], before[first]);
  await until('it is told by its port', () => rig.state(first).device === port(1));
  assert.ok(rig.states(first).every(({ state }) => works(state)), 'its stream was never stopped');
});

test('vitrina cameras says what each name stays with', async () => {
  const says = async (environment) => {
    const { code, stdout, stderr } = await command(['cameras'], { env: new Cameras(2, { environment }).env });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  assert.match(await says({}), /stays with the device, in any port: serial number RIG0000/);
  const twins = await says({ V4L2CAM_TWINS: 'yes' });
  assert.equal(twins.match(/stays with the port: more than one device/g).length, 2, twins);
  assert.doesNotMatch(twins, /by-id/);
  const mute = await says({ V4L2CAM_TWINS: 'mute', V4L2CAM_INIT: '1 unplug' });
  assert.match(mute, /while it is the only one of its model/);
});

test('a link in the configuration that could be either of two is said, and used for neither', async () => {
  const set = [`node.camera=[{device="${LINK}", name="door", width=640, height=480}]`];
  const rig = await start(2, { V4L2CAM_TWINS: 'yes' }, { set });
  await rig.working(2);
  await until('door says why', () => rig.state('door')?.reason === 'ambiguous');
  const { state, detail } = rig.state('door');
  assert.equal(state, 'error');
  for (const words of [LINK, port(1), port(2)]) assert.ok(detail.includes(words), detail);
  await rig.stop();
});

test('a link in the configuration means the camera that it meant while there was one', async () => {
  const set = [`node.camera=[{device="${LINK}", name="door"}]`];
  let rig = await start(2, { V4L2CAM_TWINS: 'yes', V4L2CAM_INIT: '1 unplug' }, { set });
  await rig.working(1);
  rig.cameras.command('1 plug');
  await rig.working(2);
  const before = await rig.seen();
  assert.equal(before.door, '0000');
  // It is away, and no other camera takes its name.
  rig.cameras.command('0 unplug');
  await until('door is lost', () => rig.state('door').reason === 'unplugged');
  await rig.working(1);
  rig.cameras.command('0 plug');
  await rig.working(2);
  await rig.stop();
  rig = await start(2, { V4L2CAM_TWINS: 'yes', V4L2CAM_PORTS: '2,1' }, { set, data: rig.data });
  await rig.working(2);
  assert.deepEqual(await rig.seen(), before);
  await rig.stop();
});

test('a camera that is forgotten while it is away stays forgotten, until it is plugged in under its name', async (t) => {
  const rig = await start(2, {});
  t.after(() => rig.stop());
  await rig.working(2);
  const set = ['--set', `node.broker=mqtt://127.0.0.1:${rig.port}`];
  rig.cameras.command('1 unplug');
  await rig.working(1);
  const away = rig.names().find((name) => rig.state(name).reason === 'unplugged');
  const [here] = rig.names().filter((name) => name !== away);
  const refused = await command(['forget', `here/${here}`, ...set], { data: rig.data });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is still here/);
  const { code, stderr } = await command(['forget', `here/${away}`, ...set], { data: rig.data });
  assert.equal(code, 0, stderr);
  await until('its node does not list it', () => rig.names().join() === here, { limit: 20_000 });
  // A gallery that comes is told all facts again: that one is not among them.
  const toldSince = (from, name) => rig.told().slice(from).filter(({ topic, payload }) => topic === `vitrina/here/${name}/state` && payload.length > 0);
  let from = rig.told().length;
  await rig.greet();
  await until('all is told again', () => rig.told().slice(from).some(({ topic }) => topic === 'vitrina/here/status'), { limit: 20_000 });
  assert.equal(toldSince(from, here).length, 1);
  assert.equal(toldSince(from, away).length, 0);
  // One that is here and that somebody clears by force is told again, too.
  from = rig.told().length;
  await rig.clear(here);
  await until('it is told again', () => toldSince(from, here).length > 0, { limit: 20_000 });
  rig.cameras.command('1 plug');
  await rig.working(2);
  assert.deepEqual(rig.names().sort(), [here, away].sort(), 'as it was called');
});
