import { strict as assert } from 'node:assert';

import { until } from '../../harness/until.mjs';
import { live, tile, tiles } from '../../harness/wall.mjs';
import { COLOURS, DOOR, OTHER, WEBCAM, WINDOW, main } from './main.mjs';

const TIMES = 20;
/** At these turns another webcam takes the number meanwhile. */
const RENUMBERED = [5, 12];
const SOON = { limit: 30_000 };

/** Unplug and replug: lost, live again by itself, and nothing leaks. */
export async function replug(t, rig) {
  const { guest } = rig;
  const { wall, vitrina, state } = await main(rig);
  rig.page ??= await rig.browser.newPage({ viewport: { width: 1280, height: 800 } });
  const { page } = rig;
  await page.goto(wall);
  await live(page, DOOR, SOON);
  const number = () => guest.sh(`readlink -f ${WEBCAM}`);
  const other = {
    plug: () => guest.sh(`systemctl start uvccam@1; until [ -e ${OTHER} ]; do sleep 0.1; done`),
    unplug: () => guest.sh(`systemctl stop uvccam@1; while [ -e ${OTHER} ]; do sleep 0.1; done`),
  };

  const before = await vitrina.figures();
  for (let turn = 0; turn < TIMES; turn += 1) {
    const renumber = RENUMBERED.includes(turn);
    await t.test(`${turn + 1}${renumber ? ', under another number' : ''}`, async () => {
      const old = renumber && (await number());
      await guest.webcam(0, 'unplug');
      const lost = await state(DOOR, ({ state }) => state === 'lost');
      assert.equal(lost.reason, 'unplugged');
      const { words } = await tile(page, DOOR, 'is lost', ({ state }) => state === 'lost', SOON);
      assert.match(words, /Unplugged/);
      if (renumber) await other.plug();
      await guest.webcam(0, 'plug');
      await live(page, DOOR, SOON);
      if (renumber) {
        assert.notEqual(await number(), old);
        await live(page, WINDOW, SOON);
        await other.unplug();
        await tile(page, WINDOW, 'is lost', ({ state }) => state === 'lost', SOON);
      }
    });
  }

  await t.test('nobody else came to the wall', async () => {
    assert.deepEqual(Object.keys(await tiles(page)).sort(), [COLOURS, DOOR, WINDOW]);
  });

  await t.test('the process is the same, and has no thread or descriptor more', async () => {
    await until(`again as ${JSON.stringify(before)}`, async () => {
      const after = await vitrina.figures();
      // Fewer is no leak: an idle connection of the page's load may have ended since.
      const grew = ['threads', 'descriptors'].some((figure) => after[figure] > before[figure]);
      if (after.pid !== before.pid || grew) throw new Error(JSON.stringify(after));
      return true;
    }, { ...SOON, every: 1000 });
  });
}
