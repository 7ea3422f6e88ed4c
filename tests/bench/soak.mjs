// An hour with one camera, viewers that keep up, one on 200 kB/s and one that stalls by turns:
// what memory does meanwhile. Writes docs/soak.md; SOAK_SECONDS makes it shorter.

import { writeFileSync } from 'node:fs';
import { cpus, getPriority, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setTimeout as pass } from 'node:timers/promises';

import { Cameras } from '../harness/preload.mjs';
import { descriptors, memory } from '../harness/process.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { percentile } from './age.mjs';
import { WebSocketWatcher } from './watcher.mjs';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 3600);
const ROWS = 12;
const RATE = 2e5;
// From this many on, pictures are lent from pipes.
const GOOD = 16;
const NAME = 'rig-test-camera-rig0000';
const CAMERA = `bench/${NAME}`;
const PAGE = fileURLToPath(new URL('../../docs/soak.md', import.meta.url));

// At this quality the camera's pictures have 60 kB.
const camera = `{name="${NAME}", width=1280, height=720, format="YUYV", quality=62}`;
const vitrina = await Vitrina.start([], { set: ['node.name=bench', `node.camera=[${camera}]`], env: new Cameras().env });
const port = Number(new URL(vitrina.wall).port);
await until('the camera', async () => (await (await fetch(new URL('/api/cameras', vitrina.wall))).json()).length === 1);

/** The numbers of the frames that a viewer got: how many, and how many it did not. */
function counter() {
  const count = { got: 0, missed: 0 };
  let last;
  count.each = (age, tile, seq) => {
    if (last !== undefined) count.missed += Math.max(0, seq - last - 1);
    count.got += 1;
    last = seq;
  };
  return count;
}

const good = Array.from({ length: GOOD }, counter);
for (const { each } of good) await WebSocketWatcher.ours(port, [CAMERA], { each });
let ages = [];
const slow = await WebSocketWatcher.ours(port, [CAMERA], { rate: RATE, each: (age) => ages.push(age) });
// A page that says nothing for 45 s is closed, so this one stalls for less.
let stalls = await WebSocketWatcher.ours(port, [CAMERA]);
let stalled = false;
const turns = setInterval(() => {
  stalled = !stalled;
  if (stalled) stalls.stall();
  else stalls.resume();
}, 5_000);

// What begins is not what lasts.
await pass(Math.min(10_000, SECONDS * 100));
for (const count of good) Object.assign(count, { got: 0, missed: 0 });
ages = [];
let bytes = slow.bytes;
const rows = [];
for (let row = 1; row <= ROWS; row++) {
  let [most, open] = [0, 0];
  for (let n = 0; n < 20; n++) {
    await pass((SECONDS * 1000) / ROWS / 20);
    most = Math.max(most, memory(vitrina.pid));
    open = Math.max(open, descriptors(vitrina.pid));
  }
  const [p50, p99, worst] = [percentile(ages, 0.5), percentile(ages, 0.99), ages.reduce((a, b) => Math.max(a, b), 0)];
  const got = good.reduce((sum, count) => sum + count.got, 0);
  const missed = good.reduce((sum, count) => sum + count.missed, 0);
  rows.push({ minutes: (row * SECONDS) / ROWS / 60, most, open, frames: ages.length, size: (slow.bytes - bytes) / ages.length, p50, p99, worst, got, missed });
  process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
  for (const count of good) Object.assign(count, { got: 0, missed: 0 });
  ages = [];
  bytes = slow.bytes;
}
clearInterval(turns);
await vitrina.stop();

const mb = (number) => (number / 1e6).toFixed(1);
const line = ({ minutes, most, open, frames, p50, p99, worst, got, missed }) =>
  `| ${minutes.toFixed(1)} | ${mb(most)} | ${open} | ${frames} | ${[p50, p99, worst].map((ms) => ms.toFixed(0)).join(' | ')} | ${got} | ${missed} |`;
writeFileSync(PAGE, `# A long run

Written by \`make soak\`. Measured ${new Date().toISOString().slice(0, 10)} for ${(SECONDS / 60).toFixed(0)} minutes on ${cpus().length} cores (${cpus()[0].model}), Linux ${release()}, at nice ${getPriority()}.

Broker, gallery and node in one process; one camera (1280x720, YUYV, 30 a second, ${(rows[0].size / 1000).toFixed(0)} kB a frame). ${GOOD} viewers keep up, one takes 200 kB a second,
and one stalls for 5 s of every 10. Memory is resident memory without shared pages; it and the open descriptors are the maximum within each row. Ages are in ms.

| minutes | MB | open | frames on 200 kB/s | age p50 | p99 | oldest | frames at the others | of which they missed |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.map(line).join('\n')}

The aim: no frame on 200 kB/s is older than 1000 ms, memory does not grow, and viewers that keep up miss nothing.
`);
process.stderr.write(`wrote ${PAGE}\n`);
process.exit(0);
