import { strict as assert } from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { accounted, asMade } from '../../harness/frames.mjs';
import { Subscriber, wanted } from '../../harness/mosquitto.mjs';
import { folder } from '../../harness/scratch.mjs';
import { until } from '../../harness/until.mjs';
import { GuestVitrina } from '../../harness/vm.mjs';
import { Vitrina } from '../../harness/vitrina.mjs';
import { DOOR, configured, end, listen } from './main.mjs';

const COUNT = 1000;

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
 * guest; the broker is outside it, where the processor is quick, so that it never passes over a
 * frame for a newer one.
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
  const want = wanted(port, DOOR, 30);
  const subscriber = new Subscriber(port, [`vitrina-jpeg/${DOOR}/live/full`], {
    keep: false,
    each: ({ payload }) => seen.push(payload),
  });
  await until('the first frames', () => seen.length > 30, { limit: 30_000 });
  const before = await figures(DOOR);
  let after;
  do after = await figures(DOOR);
  while (after.made - before.made < COUNT);
  want.stop();
  await Promise.all([subscriber.stop(), facts.stop(), node.stop(), broker.stop()]);

  await t.test('each is byte for byte what the camera made, but for our segment', () => {
    assert.ok(seen.length > COUNT / 2, `${seen.length} frames`);
    let last;
    for (const jpeg of seen) {
      const { seq, number } = asMade(jpeg, made);
      if (last) assert.ok(seq > last.seq && number > last.number, 'in order, none twice');
      last = { seq, number };
    }
  });

  await t.test('made = delivered + dropped, every drop under its reason', () => {
    accounted(before);
    accounted(after);
    assert.deepEqual(Object.keys(after.dropped).filter((reason) => !REASONS.includes(reason)), []);
    const seqs = seen.map((jpeg) => asMade(jpeg, made).seq);
    const delivered = seqs.filter((seq) => seq >= before.made && seq < after.made).length;
    t.diagnostic(`made ${after.made - before.made}, delivered ${delivered}, ${JSON.stringify(after.dropped)}`);
    assert.equal(delivered, after.published - before.published);
  });
}
