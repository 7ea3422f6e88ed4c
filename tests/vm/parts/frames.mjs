import { strict as assert } from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { asMade, growth } from '../../harness/frames.mjs';
import { Subscriber, wanted } from '../../harness/mosquitto.mjs';
import { folder } from '../../harness/scratch.mjs';
import { until } from '../../harness/until.mjs';
import { GuestVitrina } from '../../harness/vm.mjs';
import { Vitrina } from '../../harness/vitrina.mjs';
import { DOOR, configured, end, listen } from './main.mjs';

const COUNT = 1000;

/** How many frames may be on their way when figures are taken. */
const SLACK = 8;

/** Why a frame of a camera that works may not be published (docs/protocol.md). */
const REASONS = ['driver', 'unwanted', 'superseded'];

/** What the camera shows, in its order: the very files that it sends. */
export async function pictures(guest) {
  const out = folder('uvccam');
  await guest.get('/usr/share/uvccam', out);
  const names = readdirSync(join(out, 'uvccam')).filter((name) => name.startsWith('1280x720-')).sort();
  return names.map((name) => readFileSync(join(out, 'uvccam', name)));
}

/**
 * A thousand frames that the camera made: all accounted for, and the same bytes. The node is in the
 * guest; the broker is outside it, where the processor is quick.
 */
export async function frames(t, rig) {
  const { guest } = rig;
  await end(rig);
  const made = await pictures(guest);
  assert.equal(made.length, 30);
  const broker = await Vitrina.start(['broker']);
  // The guest finds this side's loopback at 10.0.2.2.
  const node = await GuestVitrina.start(guest, 'node', `node ${await configured(guest)} --set node.broker=mqtt://10.0.2.2:${broker.port}`);
  const { port, facts, state, figures } = listen(broker.port);
  await state(DOOR, ({ state }) => state === 'idle');

  const seen = [];
  const subscriber = new Subscriber(port, [`vitrina-jpeg/${DOOR}/live/full`], {
    keep: false,
    each: ({ payload }) => seen.push(payload),
  });
  // Both figures are of a time when nobody asks for frames, so none is on its way.
  const before = await figures(DOOR);
  const want = wanted(port, DOOR, 30);
  await until(`${COUNT} frames`, () => seen.length >= COUNT, { limit: 120_000 });
  want.stop();
  await state(DOOR, ({ state }) => state === 'idle');
  const after = await figures(DOOR);
  await Promise.all([subscriber.stop(), facts.stop(), node.stop(), broker.stop()]);
  const numbers = [];

  await t.test('each is byte for byte what the camera made, but for our segment', () => {
    for (const jpeg of seen) numbers.push(asMade(jpeg, made));
    for (const [i, { seq, number }] of numbers.entries()) {
      const last = numbers[i - 1] ?? { seq: -1, number: -1 };
      assert.ok(seq > last.seq && number > last.number, `in order, none twice: ${JSON.stringify([last, { seq, number }])}`);
    }
  });

  await t.test('made = delivered + dropped, every drop under its reason', () => {
    const grown = growth(before, after);
    const lost = Object.values(grown).reduce((sum, n) => sum + n, 0);
    // A newer frame may have taken a frame's place in the broker, which says so at its end.
    const replaced = Number(/ replaced=(\d+)/.exec(broker.stderr)[1]);
    t.diagnostic(`made ${after.made - before.made}, delivered ${seen.length}, dropped ${JSON.stringify(grown)} and ${replaced} in the broker`);
    assert.deepEqual(Object.keys(grown).filter((reason) => !REASONS.includes(reason)), []);
    assert.equal(after.made - before.made, seen.length + lost + replaced);
    // What is counted as made is what the driver numbered, whether it came through or not.
    const { seq } = numbers.at(-1);
    assert.ok(before.made < numbers[0].seq + SLACK && seq < after.made + SLACK, `${before.made} to ${after.made}, the last is ${seq}`);
    const between = seq - numbers[0].seq + 1;
    assert.ok(between <= after.made - before.made + SLACK, `${between} were numbered`);
  });
}
