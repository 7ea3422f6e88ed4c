import { strict as assert } from 'node:assert';

import { live, tile } from '../../harness/wall.mjs';
import { DOOR, WEBCAM, end, main } from './main.mjs';

const SOON = { limit: 30_000 };

/** A camera that another program has. */
export async function busy(t, rig) {
  const { guest } = rig;
  await end(rig);
  await guest.sh(`systemd-run --quiet --unit=holder v4l2-ctl -d ${WEBCAM} --set-fmt-video=width=640,height=480,pixelformat=MJPG --stream-mmap`);
  // It tells its rate once a second, while frames flow.
  await guest.sh('until journalctl -u holder -o cat | grep -q fps; do sleep 0.1; done');
  const { wall, state } = await main(rig);
  rig.page ??= await rig.browser.newPage({ viewport: { width: 1280, height: 800 } });

  await t.test('it is in error, and the wall says who has it', async () => {
    const error = await state(DOOR, ({ state }) => state === 'error');
    assert.equal(error.reason, 'busy');
    assert.equal(error.by, 'v4l2-ctl');
    assert.match(error.detail, /v4l2-ctl/);
    await rig.page.goto(wall);
    const { words } = await tile(rig.page, DOOR, 'is in error', ({ state }) => state === 'error', SOON);
    assert.match(words, /Taken by v4l2-ctl/);
  });

  await t.test('it is live by itself once it is free', async () => {
    await guest.sh('systemctl stop holder');
    await live(rig.page, DOOR, SOON);
  });
}
