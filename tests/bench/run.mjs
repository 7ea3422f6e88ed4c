// Measures and writes docs/performance.md. VITRINA names the binary; `make bench` builds it first.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

import { onCanvas, percentile, throughMosquitto, throughOurs } from './age.mjs';
import * as capture from './capture.mjs';
import * as memory from './memory.mjs';

const ROUNDS = 3;
const FRAMES = 300;
const SECONDS = 10;
const CAPTURE = 3;
const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));

const say = (text) => process.stderr.write(`${text}\n`);
const median = (numbers) => percentile(numbers, 0.5);
const ms = (number) => number.toFixed(1);
const ms3 = (number) => number.toFixed(3);
const mb = (number) => (number / 1e6).toFixed(1);

/** Runs the two by turns, so that what else the machine does meets both. */
async function byTurns(ours, peer, rounds = ROUNDS) {
  const results = { ours: [], peer: [] };
  for (let round = 1; round <= rounds; round++) {
    say(`  round ${round} of ${rounds}`);
    results.ours.push(await ours());
    results.peer.push(await peer());
  }
  return results;
}

say('age at an MQTT subscriber');
const mqtt = await byTurns(() => throughOurs(FRAMES), () => throughMosquitto(FRAMES));
say('age on the canvas');
const canvas = [];
for (let round = 0; round < ROUNDS; round++) canvas.push(await onCanvas(FRAMES));
say('processor time for each frame');
const captured = [];
for (const one of capture.CASES) {
  say(`  ${one.format} ${one.size}`);
  const cost = await byTurns(() => capture.ours(one, CAPTURE), () => capture.ustreamer(one, CAPTURE), 2);
  captured.push({ ...one, ...cost, idle: await capture.idle(one, CAPTURE) });
}
say('memory');
const whole = await byTurns(() => memory.whole(FRAMES), () => memory.ustreamer(SECONDS));
const node = [];
for (let round = 0; round < ROUNDS; round++) node.push(await memory.node(SECONDS));

const at = (rounds, part) => median(rounds.map((ages) => percentile(ages, part)));
const ratio = (a, b) => (a / b).toFixed(2);
const row = (what, ours, peer, form) => `| ${what} | ${form(ours)} | ${form(peer)} | ${ratio(ours, peer)} |`;
const { model } = cpus()[0];

writeFileSync(PAGE, `# Performance

Written by \`make bench\`. Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} cores (${model}),
${(totalmem() / 1e9).toFixed(0)} GB, Linux ${release()}; load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')} at the end.
Medians of ${ROUNDS} rounds, ours and the peer's by turns. Trust the ratios more than the figures: machines differ, and this one does other things too.

## The age of a frame

The test card at 1280x720, 30 a second, drawn and encoded by the node. The age counts from the moment at which the card shows its clock, so drawing and encoding it is within.

| ms | Vitrina | through Mosquitto | ratio |
| --- | --- | --- | --- |
${row('at mosquitto_sub, p50', at(mqtt.ours, 0.5), at(mqtt.peer, 0.5), ms)}
${row('at mosquitto_sub, p99', at(mqtt.ours, 0.99), at(mqtt.peer, 0.99), ms)}

"Through Mosquitto" is the same node with Debian's Mosquitto as its broker.

| ms | Vitrina |
| --- | --- |
| on the canvas in headless Chromium, p50 | ${ms(at(canvas, 0.5))} |
| on the canvas in headless Chromium, p99 | ${ms(at(canvas, 0.99))} |

The canvas is read by its page's main thread at each animation frame, by the clock in the picture, so up to 16.7 ms of waiting for the screen are within. Everything runs on this one machine, Chromium without a GPU.

## From the camera to the network

Processor time for each frame at 30 a second (\`tests/preload\`), quality 80, without the camera's own: of our node, until its frame is with the broker,
and of µStreamer, until it is with an HTTP client. MJPEG is passed through, YUYV encoded.

| ms | Vitrina | µStreamer | ratio | ours, nobody watching, a second |
| --- | --- | --- | --- | --- |
${captured.map(({ format, size, ours, peer, idle }) => `${row(`${format} ${size}`, median(ours), median(peer), ms3)} ${ms(idle)} |`).join('\n')}

## Memory

Resident, without what is shared, with one MJPEG camera of 1280x720 at 30 a second (\`tests/preload\`).

| MB | Vitrina | µStreamer | ratio |
| --- | --- | --- | --- |
${row('broker, gallery and node in one process, three viewers', median(whole.ours), median(whole.peer), mb)}

| MB | Vitrina |
| --- | --- |
| the node alone, every frame wanted | ${mb(median(node))} |

µStreamer is a camera's HTTP server alone; Vitrina's process holds the broker and the gallery as well.
The aims were 60 MB for the whole and 15 MB for the node.
`);
say(`wrote ${PAGE}`);
