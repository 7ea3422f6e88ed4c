// The gallery's machine loses its power, again and again, while photos are stored and deleted.
//
// POWER_CUTS says how often (2).

import { strict as assert } from 'node:assert';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { folder } from '../harness/scratch.mjs';
import { disagreements, listed } from '../harness/store.mjs';
import { ulid } from '../harness/ulid.mjs';
import { until } from '../harness/until.mjs';
import { Guest } from '../harness/vm.mjs';

const CUTS = Number(process.env.POWER_CUTS ?? 2);
const DATA = '/var/lib/power';
const CAMERA = 'guest/test-card';
/** How many photos are asked for at once: a slow machine is asked more slowly. */
const AT_ONCE = 4;

const CONFIG = `
[gallery]
listen = "0.0.0.0:8080"
open = true
[node]
name = "guest"
[node.test_card]
show = "always"
width = 320
height = 240
fps = 5
`;

const UNIT = `
[Unit]
Description=The wall whose power is cut
[Service]
ExecStart=/usr/local/bin/vitrina --config /etc/power.toml --data ${DATA}
Restart=always
[Install]
WantedBy=multi-user.target
`;

let guest;
let reason = false;
try {
  guest = await Guest.boot({ forward: [8080], reboot: true });
} catch (error) {
  if (process.env.CI === 'true') throw error;
  reason = `no virtual machine here: ${error.message}`;
}

after(() => guest?.stop());

test('what was answered is there after the power was cut', { skip: reason }, async (t) => {
  await guest.install();
  await guest.sh(`cat > /etc/power.toml <<'END'\n${CONFIG}END\ncat > /etc/systemd/system/power.service <<'END'\n${UNIT}END
    systemctl daemon-reload; systemctl enable --quiet --now power; sync`);
  const wall = `http://127.0.0.1:${guest.port(8080)}/`;
  const answered = new Set();
  const deleted = new Set();
  const maybe = new Set();

  const up = () =>
    until('the camera is on the wall', async () => {
      const cameras = await (await fetch(new URL('/api/cameras', wall), { signal: AbortSignal.timeout(5000) })).json();
      return cameras.some(({ camera, state }) => camera === CAMERA && state !== 'lost');
    }, { limit: 180_000, every: 500 }).catch(async (error) => {
      const { output } = await guest.try('journalctl -b -u power -n 20 --no-pager');
      throw new Error(`${error.message}; ${output}`);
    });

  for (let cut = 1; cut <= CUTS; cut++) {
    await up();
    let on = true;
    const asking = Array.from({ length: AT_ONCE }, async () => {
      // Until it is down: what is asked then would wait at its door, and be stored at any time.
      for (let answer = {}; answer && on; await pause(500)) {
        const id = ulid();
        answer = await fetch(new URL(`/api/cameras/${CAMERA}/snap`, wall), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ id }),
          signal: AbortSignal.timeout(30_000),
        }).catch(() => null);
        if (answer?.ok) answered.add(id);
      }
    });
    const deleting = (async () => {
      for (; on; await pause(1000)) {
        const id = [...answered].find((id) => !maybe.has(id));
        if (!id) continue;
        maybe.add(id);
        const gone = await fetch(new URL(`/api/photos/${id}`, wall), { method: 'DELETE', signal: AbortSignal.timeout(5000) }).catch(() => null);
        if (gone?.status === 204) deleted.add(id);
      }
    })();
    const before = answered.size;
    await until('photos are stored', () => answered.size > before + 3, { limit: 120_000 });
    await pause(randomInt(2000));
    await guest.cut();
    on = false;
    await Promise.all([...asking, deleting]);
  }

  await up();
  await until('the spool is empty', async () => (await guest.try(`ls ${DATA}/node/spool/*.jpg`)).code !== 0, { limit: 120_000, every: 1000 });
  const [list, copy] = await until('nothing comes meanwhile', async () => {
    const [before, copy] = [await listed(wall), folder('store')];
    await guest.get(`${DATA}/gallery/photos`, copy);
    return isDeepStrictEqual(before, await listed(wall)) && [before, copy];
  }, { limit: 120_000, every: 1000 });
  const ids = new Set(list.map(({ id }) => id));
  t.diagnostic(`${answered.size} answered, ${deleted.size} deleted, ${list.length} stored, ${CUTS} cuts`);
  assert.deepEqual(disagreements(list, join(copy, 'photos')), []);
  assert.deepEqual([...answered].filter((id) => !ids.has(id) && !maybe.has(id)), [], 'answered, but not there');
  assert.deepEqual([...deleted].filter((id) => ids.has(id)), [], 'deleted, but back');
});
