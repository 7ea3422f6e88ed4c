// The worst pictures that are taken, several at once, within the limit of memory that the unit has:
// nothing is killed, and there is room left.

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { gif, jpeg, png, webp } from '../harness/bombs.mjs';
import { MemoryGroup } from '../harness/cgroup.mjs';
import { highest } from '../harness/process.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const MIB = 1 << 20;

/** What a unit says about memory, in bytes. */
function limits(unit) {
  const text = readFileSync(fileURLToPath(new URL(`../../systemd/${unit}`, import.meta.url)), 'utf8');
  const [high, most] = ['MemoryHigh', 'MemoryMax'].map(
    (key) => Number(new RegExp(`^${key}=(\\d+)M$`, 'm').exec(text)[1]) * MIB,
  );
  return { high, most };
}

const missing = MemoryGroup.missing();

for (const [unit, command] of [['vitrina-gallery.service', ['gallery']], ['vitrina.service', []]]) {
  test(`the worst pictures within the limits of ${unit}`, { timeout: 600_000 }, async (t) => {
    const { high, most } = limits(unit);
    const budget = Math.floor(high / 3);
    // Never skipped: without a group the program is told its budget, and measured all the same.
    if (missing) console.error(`# ${missing}; memory is measured only`);
    const group = missing ? null : new MemoryGroup(most, high);
    let vitrina;
    t.after(async () => {
      await vitrina?.kill();
      await group?.close();
    });
    const set = ['node.test_card.show=never', ...(group ? [] : [`gallery.pictures.decode_bytes=${budget}`])];
    vitrina = await Vitrina.start(command, { set, under: group?.under ?? [], limit: 60_000 });
    const ask = (path, options) => fetch(new URL(path, vitrina.wall), options);
    const upload = async (name, bytes) => {
      const form = new FormData();
      form.append('image', new Blob([bytes]), name);
      const answer = await ask('/upload', { method: 'POST', body: form });
      return { name, status: answer.status, body: await answer.json() };
    };
    /** The side of a square of as many pixels as the budget has room for. */
    const side = (bytesOfPixel) => Math.floor(Math.sqrt((budget - 16 * MIB) / bytesOfPixel));

    // Those that take all of the budget, and those that a decoder of the usual kind would need more for.
    const worst = [
      ['interlaced.png', png(side(4), side(4), { interlaced: true })],
      ['lossless.webp', webp(side(8), side(8))],
      ['interlaced.gif', gif(side(1), side(1))],
      ['film-behind.jpg', jpeg(4_000, 3_000, { behind: 62 * MIB })],
    ];
    if (command.length > 0) {
      worst.push(
        ['200-megapixels.jpg', jpeg(16_320, 12_240)],
        ['progressive.jpg', jpeg(16_320, 12_240, { progressive: true })],
        ['panorama.jpg', jpeg(16_000, 3_800)],
      );
    }
    const answers = await Promise.all(worst.map(([name, bytes]) => upload(name, bytes)));
    const said = answers.map(({ name, status, body }) => `${name}: ${status} ${body.error ?? ''}`);
    assert.ok(answers.every(({ status }) => status === 201), said.join('; '));
    const thumbs = answers.map(async ({ name, body: [{ url }] }) => {
      const answer = await ask(`${url}/thumb`);
      await answer.arrayBuffer();
      assert.equal(answer.status, 200, `the thumbnail of ${name}`);
    });
    await Promise.all(thumbs);
    t.diagnostic(`at most ${Math.round(highest(vitrina.pid) / MIB)} MiB of ${high / MIB}`);

    const refused = await upload('too-large.png', png(side(4) + 1_500, side(4) + 1_500, { interlaced: true }));
    assert.equal(refused.status, 413, JSON.stringify(refused.body));
    assert.match(refused.body.error, new RegExp(`${Math.floor(budget / MIB)} MiB.*gallery\\.pictures\\.decode_bytes`));

    assert.ok(vitrina.alive);
    if (group) assert.equal(group.killed, 0);
    const peak = highest(vitrina.pid);
    assert.ok(peak < high, `${peak} bytes at the most, of ${high}`);
  });
}
