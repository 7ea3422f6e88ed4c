// What real drivers do: uvcvideo, vivid, udev, hotplug and systemd, in one guest for all parts.

import { after, test } from 'node:test';

import { launch } from '../harness/chromium.mjs';
import { Guest } from '../harness/vm.mjs';
import { busy } from './parts/busy.mjs';
import { faults } from './parts/faults.mjs';
import { frames } from './parts/frames.mjs';
import { list } from './parts/list.mjs';
import { nodes } from './parts/nodes.mjs';
import { replug } from './parts/replug.mjs';
import { units } from './parts/units.mjs';
import { wall } from './parts/wall.mjs';

// In this order: from wall to nodes it is one process, so that it is seen to survive all of it.
const PARTS = { frames, wall, faults, replug, nodes, busy, list, units };

const rig = {};
let reason = false;
try {
  rig.guest = await Guest.boot({ uvc: 1, vivid: 1, forward: [8080, 1883] });
} catch (error) {
  // Where there is no qemu the rest can still be tested; a machine that must test all says so.
  if (process.env.CI === 'true') throw error;
  reason = `no virtual machine here: ${error.message}`;
}

after(async () => {
  await rig.browser?.close();
  await rig.guest?.stop();
});

test('cameras in a virtual machine', { skip: reason }, async (t) => {
  await rig.guest.install();
  rig.browser = await launch();
  const only = process.env.PARTS?.split(',');
  for (const [name, part] of Object.entries(PARTS)) {
    if (!only || only.includes(name)) await t.test(name, (t) => part(t, rig));
  }
});
