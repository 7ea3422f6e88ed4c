// What is quick to be tried of a real broker: each way in, and that each refusal is told in words
// where people look.

import { strict as assert } from 'node:assert';
import { test } from 'node:test';

import { mosquitto } from '../harness/brokers.mjs';
import { freePort } from '../harness/port.mjs';
import { arrive, camera, gallery, look, node, reason, snap, stored } from '../harness/house.mjs';
import { run } from '../harness/child.mjs';
import { until } from '../harness/until.mjs';
import { vitrina } from '../harness/vitrina.mjs';
import { ACL, MOSQUITTO, guarded } from './kinds.mjs';

/** A node and a gallery on a broker of this kind, ended with the test. */
async function house(t, { start, url = (port) => `mqtt://127.0.0.1:${port}`, settings = [], args = [] }) {
  const port = await freePort();
  const child = await start({ port });
  t.after(() => child.kill());
  const broker = { url: (user) => url(port, user), settings };
  const [pi, wall] = await Promise.all([node(broker), gallery(broker)]);
  t.after(() => Promise.all([pi.kill(), wall.kill()]));
  const set = [`gallery.broker=${broker.url('gallery')}`, ...settings.map((it) => `gallery.${it}`)].flatMap((it) => ['--set', it]);
  return { port, pi, wall, args, command: (...words) => vitrina([...words, ...set]) };
}

for (const { name, prepare } of MOSQUITTO) {
  test(`${name}: live frames and a photo`, async (t) => {
    const { wall } = await house(t, await prepare());
    const id = await camera(wall);
    await arrive(wall, id);
    assert.equal((await snap(wall, id)).status, 201);
    await stored([wall], 1);
    await reason(wall, /./, 0).then((why) => assert.fail(why), () => {});
  });
}

/** What a user may do but for one thing. */
const but = (user, rule) => ({ ...ACL, [user]: [...ACL[user], `deny ${rule}`] });

const REFUSALS = [
  {
    what: 'live frames of the node',
    kind: () => guarded(but('pi', 'vitrina-jpeg/pi/+/live/#')),
    told: (id) => new RegExp(`^${id}: it publishes pictures, but none comes here: the broker must let the node publish`),
  },
  {
    what: 'wants of the gallery',
    kind: () => guarded(but('gallery', 'vitrina/+/+/want')),
    told: (id) => new RegExp(`^${id}: it does not receive that it is asked for pictures: the broker must let this gallery publish`),
  },
  {
    what: 'the word of the gallery that a photo is stored',
    kind: () => guarded(but('gallery', 'vitrina/+/stored')),
    told: () => /^pi: no gallery answers its photos: the broker must let it publish/,
    limit: 60_000,
  },
  {
    what: 'the status of the gallery',
    kind: () => guarded(but('gallery', 'vitrina/gallery/+/status')),
    told: () => /^What this gallery says does not come back from the broker/,
  },
  {
    what: 'messages of the size of a live frame',
    kind: async () => ({ start: ({ port }) => mosquitto(['allow_anonymous true', 'message_size_limit 20000'], { port }) }),
    told: (id) => new RegExp(`^${id}: it publishes pictures, but none comes here: .* take messages of their size`),
  },
  {
    what: 'messages of the size of a photo',
    kind: async () => ({ start: ({ port }) => mosquitto(['allow_anonymous true', 'message_size_limit 20000'], { port }) }),
    told: () => /^pi: no gallery answers its photos: .* take messages of their size/,
    limit: 60_000,
  },
];

test('each refusal is told in words by /healthz, watch and the log', { timeout: 180_000 }, async (t) => {
  await Promise.all(REFUSALS.map(async ({ what, kind, told, limit = 50_000 }) => {
    const { wall, pi, port, args, command } = await house(t, await kind());
    const id = await camera(wall).catch((why) => assert.fail(`${what}: ${why}`));
    const looking = look(wall, id);
    t.after(looking.stop);
    const press = ['-h', '127.0.0.1', '-p', `${port}`, ...args, '-q', '1', '-t', `vitrina/${id}/snap`, '-n'];
    assert.equal((await run('mosquitto_pub', press)).code, 0);
    const why = await reason(wall, told(id), limit).catch((missing) => assert.fail(`${what}: ${missing.message}`));
    const [, of, words] = /^(pi: )?(.*)$/.exec(why);
    await until(`${what}: the log says it`, () => [pi, wall].some(({ stderr }) => stderr.includes(words.slice(words.indexOf(': it ') + 1).trim())));
    if (!of) return;
    // A node says so every 10 s; `--once` listens for 2 s, and often between two.
    await until(`${what}: watch says it`, async () => {
      const { stdout } = await command('watch', '--once');
      return stdout.includes(words.slice(0, 30));
    }, { limit: 60_000 });
  }));
});
