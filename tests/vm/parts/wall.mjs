import { strict as assert } from 'node:assert';

import { changes, live, tile, tiles } from '../../harness/wall.mjs';
import { COLOURS, DOOR, WINDOW, main } from './main.mjs';

/** An MJPEG webcam and a raw camera are on a page outside the guest. */
export async function wall(t, rig) {
  const { wall, state } = await main(rig);
  await state(DOOR, ({ state }) => state === 'idle');
  await state(COLOURS, ({ state }) => state === 'idle');
  rig.page ??= await rig.browser.newPage({ viewport: { width: 1280, height: 800 } });

  await t.test('the webcam is live within 5 s of the load, at 1280x720, the raw one beside it', async () => {
    await rig.page.goto(wall);
    await live(rig.page, DOOR, { limit: 5000 });
    await live(rig.page, COLOURS, { limit: 15_000 });
    const door = await state(DOOR, ({ state }) => state === 'live');
    assert.equal(`${door.format} ${door.size}`, 'MJPG 1280x720');
    const colours = await state(COLOURS, ({ state }) => state === 'live');
    assert.notEqual(colours.format, 'MJPG');
  });

  await t.test('both pictures change', async () => {
    await changes(rig.page, DOOR, 10, { limit: 30_000 });
    await changes(rig.page, COLOURS, 5, { limit: 30_000 });
  });

  await t.test('one that is configured but not plugged in is lost, and there are no others', async () => {
    const { words } = await tile(rig.page, WINDOW, 'is lost', ({ state }) => state === 'lost');
    assert.match(words, /Unplugged/);
    assert.deepEqual(Object.keys(await tiles(rig.page)).sort(), [COLOURS, DOOR, WINDOW]);
  });
}
