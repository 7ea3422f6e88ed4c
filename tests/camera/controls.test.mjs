// What a camera's driver says of its controls is told, and told again when another program sets one.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';

import { Subscriber } from '../harness/mosquitto.mjs';
import { Cameras } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const CAMERA = 'here/rig-test-camera-rig0000';

for (const [driver, commands] of [['with events', []], ['without events', ['eventless']]]) {
  test(`a control that another program sets is told again, by a driver ${driver}`, async (t) => {
    const cameras = new Cameras(1, { commands });
    const vitrina = await Vitrina.start([], { set: ['node.name=here'], env: cameras.env });
    const facts = new Subscriber(vitrina.port, ['vitrina/#']);
    t.after(async () => {
      await facts.stop();
      assert.deepEqual(await vitrina.stop(), { code: 0, signal: null });
    });
    const is = (value) => (controls) => controls.brightness?.value === value;
    const limit = 40_000;
    const first = await facts.fact(`vitrina/${CAMERA}/controls`, is(0), { limit });
    assert.deepEqual(first.brightness, { value: 0, min: -64, max: 64, step: 1, default: 0 });
    for (const value of [17, -3]) {
      cameras.command(`brightness ${value}`);
      await facts.fact(`vitrina/${CAMERA}/controls`, is(value), { limit });
      await facts.fact(`vitrina/${CAMERA}/state`, ({ controls }) => controls?.brightness.value === value, { limit });
    }
    cameras.command('unplug');
    await facts.fact(`vitrina/${CAMERA}/state`, ({ reason }) => reason === 'unplugged', { limit });
    await until('no controls of a camera that is gone', () => facts.text(`vitrina/${CAMERA}/controls`) === '');
  });
}
