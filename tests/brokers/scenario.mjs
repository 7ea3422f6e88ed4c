// What must hold on every broker, however it is made and whatever it is asked for.

import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { freePort } from '../harness/port.mjs';
import { arrive, camera, gallery, here, node, reason, snap, stored, visitor } from '../harness/house.mjs';
import { run } from '../harness/child.mjs';
import { until } from '../harness/until.mjs';
import { vitrina } from '../harness/vitrina.mjs';

const WORKS = (state) => ['live', 'idle'].includes(state);

/** Runs a command of the program against the broker. */
async function command(broker, ...args) {
  const settings = (broker.settings ?? []).map((it) => `gallery.${it}`);
  const set = [`gallery.broker=${broker.url('gallery')}`, ...settings].flatMap((pair) => ['--set', pair]);
  return vitrina([...args, ...set]);
}

/**
 * Tests one kind of broker: see kinds.mjs.
 * @param {{name: string, prepare: () => Promise<object>}} kind
 */
export function scenario({ name, prepare }) {
  for (const first of ['node', 'gallery']) {
    test(`${name}, the ${first} first: live, presence, commands, photos once, a restart and a kill`, { timeout: 300_000 }, async (t) => {
      const { start, url = (at) => `mqtt://127.0.0.1:${at}`, settings, args = [] } = await prepare();
      const port = await freePort();
      let child = await start({ port });
      const broker = { url: (user) => url(port, user), settings };
      const parts = {};
      t.after(async () => {
        await Promise.all(Object.values(parts).map((part) => part.kill()));
        await child.kill();
      });
      // The first has said what there is to say before the second one listens.
      const order = first === 'node' ? ['node', 'wall'] : ['wall', 'node'];
      for (const part of order) parts[part] = await (part === 'node' ? node : gallery)(broker);
      const { wall } = parts;
      const id = await camera(wall);
      await arrive(wall, id);

      // A second gallery comes, shows all, and stores nothing.
      const ana = await visitor(wall, 'Ana');
      const other = (parts.other = await gallery(broker));
      await camera(other);
      await here(other, ['Ana']);
      const galleries = [wall, other];
      await reason(other, /came first and stores the photos/);
      assert.equal((await snap(wall, id)).status, 201);
      await stored(galleries, 1);
      ana.close();
      await here(other, []);

      // The commands.
      const taken = await command(broker, 'snap', id);
      assert.equal(taken.code, 0, taken.stderr);
      assert.match(taken.stdout, /stored by the gallery/);
      await stored(galleries, 2);
      const watched = await command(broker, 'watch', '--once');
      assert.match(watched.stdout, /^pi +online/m);
      assert.match(watched.stdout, new RegExp(`^ +${id.split('/')[1]} +(live|idle)`, 'm'));
      const asked = await command(broker, 'ask', 'pi', 'info');
      assert.equal(asked.code, 0, asked.stderr);

      // A photo that nobody stores waits on the node's disk until somebody does.
      const press = async () => {
        const said = await run('mosquitto_pub', ['-h', '127.0.0.1', '-p', `${port}`, ...args, '-q', '1', '-t', `vitrina/${id}/snap`, '-n']);
        assert.equal(said.code, 0, said.stderr);
        const spool = join(parts.node.data, 'node/spool');
        await until('it is there', () => readdirSync(spool).some((file) => file.endsWith('.jpg')), { limit: 20_000 });
      };
      await Promise.all(galleries.map((it) => it.stop()));
      await press();
      for (const it of galleries) await it.again();
      await stored(galleries, 3);

      // A restart, and a kill, each with a photo that waits.
      for (const [end, count] of [['stop', 4], ['kill', 5]]) {
        await Promise.all(galleries.map((it) => it.stop()));
        await press();
        await child[end]();
        child = await start({ port });
        for (const it of galleries) await it.again();
        await stored(galleries, count);
        await Promise.all(galleries.map((it) => camera(it)));
        await arrive(wall, id);
      }
      // And one while everybody is here.
      const eva = await visitor(wall, 'Eva');
      await child.kill();
      child = await start({ port });
      await Promise.all(galleries.map((it) => camera(it)));
      await here(other, ['Eva']);
      await arrive(other, id);
      await until('a photo can be taken', async () => (await Promise.all(galleries.map((it) => snap(it, id)))).some(({ status }) => status === 201), { limit: 40_000 });
      eva.close();

      // A node that dies is seen, and one that comes back.
      await parts.node.kill();
      await Promise.all(galleries.map((it) => camera(it, (state) => !WORKS(state))));
      const forgotten = await command(broker, 'forget', 'pi');
      assert.equal(forgotten.code, 0, forgotten.stderr);
      await until('it is on no wall', async () => (await (await fetch(new URL('api/cameras', wall.wall))).json()).length === 0);
      await parts.node.again();
      await Promise.all(galleries.map((it) => camera(it)));
    });
  }
}
