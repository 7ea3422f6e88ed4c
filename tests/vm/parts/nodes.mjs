import { strict as assert } from 'node:assert';

import { throughout, until } from '../../harness/until.mjs';
import { Vitrina } from '../../harness/vitrina.mjs';
import { live, tiles } from '../../harness/wall.mjs';
import { DOOR, main } from './main.mjs';

const SOON = { limit: 30_000 };

/** A node in the guest and nodes outside it. */
export async function nodes(t, rig) {
  const { wall, port, facts } = await main(rig);
  rig.page ??= await rig.browser.newPage({ viewport: { width: 1280, height: 800 } });
  const { page } = rig;
  await page.goto(wall);
  const outside = (name) => Vitrina.start(['node'], {
    set: [`node.name=${name}`, `node.broker=mqtt://127.0.0.1:${port}`, 'node.test_card.show=always'],
  });

  await t.test('a node in the guest and one outside are on one wall', async () => {
    const node = await outside('outside');
    try {
      const of = (name) => async () => Object.keys(await tiles(page)).filter((camera) => camera.startsWith(`${name}/`))[0];
      const card = await until('its tile', of('outside'), SOON);
      await live(page, card, SOON);
      await live(page, DOOR, SOON);
    } finally {
      await node.stop();
    }
    // It said good-bye, so the wall need not wait for a time limit.
    await facts.fact('vitrina/outside/status', (status) => status === 'offline');
  });

  await t.test('of two nodes of one name the second says so, and publishes nothing', async () => {
    const before = facts.json('vitrina/guest/info');
    const node = await outside('guest');
    try {
      await until('it says so', () => /name.*taken/i.test(node.stderr) || Promise.reject(new Error(node.stderr)), SOON);
      await throughout('the first one is there', () => {
        assert.equal(facts.text('vitrina/guest/status'), 'online');
        assert.equal(facts.json('vitrina/guest/info').instance, before.instance);
        return node.alive;
      }, { time: 5000, every: 250 });
    } finally {
      await node.stop();
    }
    assert.equal(facts.text('vitrina/guest/status'), 'online');
    await live(page, DOOR, SOON);
  });
}
