// Photos are never lost and never stored twice: it kills every part again and again, and cuts the link
// of one node, while it takes and deletes photos.
//
// CHAOS_SECONDS says for how long (60), CHAOS_SEED repeats the order of a run's accidents.

import { strict as assert } from 'node:assert';
import { randomInt } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { Link } from '../harness/link.mjs';
import { disagreements, files, listed, stamped } from '../harness/store.mjs';
import { ulid } from '../harness/ulid.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const SECONDS = Number(process.env.CHAOS_SECONDS ?? 60);
const SEED = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31));

/** How often it asks for a photo. */
const ASK_EVERY = 200;
const SMALL_CARD = ['node.test_card.show=always', 'node.test_card.width=320', 'node.test_card.height=240', 'node.test_card.fps=10'];
const START = { limit: 60_000 };

test('no photo is lost or doubled while every part is killed again and again', async (t) => {
  t.diagnostic(`CHAOS_SEED=${SEED}`);
  const chance = random(SEED);
  const between = (least, most) => least + chance() * (most - least);
  const any = (list) => list[Math.floor(chance() * list.length)];

  const broker = await Vitrina.start(['broker'], START);
  const link = await Link.to(broker.port);
  t.after(() => link.close());
  const gallery = await Vitrina.start(['gallery'], { set: [`gallery.broker=mqtt://127.0.0.1:${broker.port}`], ...START });
  const node = (name, port) =>
    Vitrina.start(['node'], { set: [`node.name=${name}`, `node.broker=mqtt://127.0.0.1:${port}`, ...SMALL_CARD], ...START });
  const nodes = { near: await node('near', broker.port), far: await node('far', link.port) };
  const parts = [broker, gallery, ...Object.values(nodes)];
  const cameras = Object.keys(nodes).map((name) => `${name}/test-card`);
  await until('both cameras are there', async () => (await (await fetch(new URL('/api/cameras', gallery.wall))).json()).length === 2, { limit: 60_000 });

  const end = Date.now() + SECONDS * 1000;
  const asked = new Map(); // id → the last answer's status, 0 for none
  const deleted = new Map(); // id → whether that was answered
  const spooled = new Set();

  const ask = async (id, camera) => {
    asked.set(id, 0);
    const answer = await fetch(new URL(`/api/cameras/${camera}/snap`, gallery.wall), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id }),
      signal: AbortSignal.timeout(20_000),
    });
    asked.set(id, answer.status);
    if (answer.ok) assert.equal((await answer.json()).id, id, 'the photo has the id that was asked for');
  };
  const asking = async () => {
    const open = new Set();
    while (Date.now() < end) {
      const [id, camera] = [ulid(), any(cameras)];
      // An unanswered request is repeated with the same id, like a page's second try.
      const request = ask(id, camera)
        .catch(() => pause(1000).then(() => ask(id, camera)))
        .catch((error) => assert.ok(error.name !== 'AssertionError', error))
        .finally(() => open.delete(request));
      open.add(request);
      await pause(ASK_EVERY);
    }
    await Promise.all(open);
  };
  const deleting = async () => {
    for (; Date.now() < end; await pause(2000)) {
      const id = any([...asked].filter(([id, status]) => status === 201 && !deleted.has(id)).map(([id]) => id));
      if (!id) continue;
      deleted.set(id, false);
      const gone = await fetch(new URL(`/api/photos/${id}`, gallery.wall), { method: 'DELETE', signal: AbortSignal.timeout(5000) }).catch(() => null);
      if (gone?.status === 204) deleted.set(id, true);
    }
  };
  const watching = async () => {
    for (; Date.now() < end; await pause(20)) for (const id of Object.values(nodes).flatMap(waiting)) spooled.add(id);
  };
  let kills = 0;
  const killing = async () => {
    for (; Date.now() < end; await pause(between(1000, 4000))) {
      const part = any(parts);
      await part.kill();
      kills += 1;
      await pause(between(0, 1500));
      await part.again(START);
    }
  };
  const cutting = async () => {
    for (; Date.now() < end; await pause(between(3000, 10_000))) {
      link.pull();
      await pause(between(100, 3000));
      link.plug();
    }
  };
  await Promise.all([asking(), deleting(), watching(), killing(), cutting()]);

  await until('the spools are empty', () => Object.values(nodes).every((node) => waiting(node).length === 0), { limit: 180_000, every: 500 });
  const list = await listed(gallery.wall);
  const ids = new Set(list.map(({ id }) => id));
  const good = [...asked].filter(([, status]) => status === 200 || status === 201).map(([id]) => id);
  t.diagnostic(`${asked.size} asked for, ${good.length} answered, ${spooled.size} seen in spools, ${list.length} stored, ${deleted.size} deleted, ${kills} kills`);
  assert.ok(good.length > asked.size / 10, 'some are answered');
  assert.ok(kills > SECONDS / 10, 'parts are killed');

  const photos = join(gallery.data, 'gallery', 'photos');
  assert.deepEqual(disagreements(list, photos), []);
  assert.deepEqual(good.filter((id) => !ids.has(id) && !deleted.has(id)), [], 'answered, but not there');
  assert.deepEqual([...spooled].filter((id) => !ids.has(id) && !deleted.has(id)), [], 'spooled, but never arrived');
  assert.deepEqual([...deleted].filter(([id, done]) => done && ids.has(id)), [], 'deleted, but back');
  const pictures = files(photos).filter((path) => path.endsWith('.jpg'));
  const stamps = pictures.map((path) => stamped(readFileSync(path)));
  assert.equal(new Set(stamps).size, stamps.length, 'no snapshot is there twice under two ids');

  await gallery.stop();
  await gallery.again(START);
  assert.deepEqual((await listed(gallery.wall)).map(({ id }) => id), list.map(({ id }) => id), 'the same after a restart');
  for (const part of parts) await part.stop();
});

/** The ids of the photos in a node's spool. */
function waiting(node) {
  const names = readdirSync(join(node.data, 'node', 'spool'), { withFileTypes: true });
  return names.flatMap((entry) => (entry.isFile() && /([0-9A-HJKMNP-TV-Z]{26})\.jpg$/.exec(entry.name)?.[1]) || []);
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
