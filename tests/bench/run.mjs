// Measures and writes docs/performance.md. VITRINA names the binary; `make bench` builds it first.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

import { onCanvas, percentile, throughMosquitto, throughOurs } from './age.mjs';
import { cameras, fan, onMosquitto, onOurs, slow } from './broker.mjs';
import * as capture from './capture.mjs';
import * as conference from './conference.mjs';
import * as fanout from './fanout.mjs';
import * as memory from './memory.mjs';
import * as servers from './servers.mjs';
import * as store from './store.mjs';
import * as wall from './wall.mjs';

// As many as ten minutes for all allow.
const ROUNDS = 3;
const FRAMES = 120;
const SECONDS = 4;
const CROWD = 2;
const SLOW = 8;
const PEOPLE = 500;
const CAPTURE = 2.5;
const PHOTOS = 1_000_000;
const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));

const say = (text) => process.stderr.write(`${(performance.now() / 60_000).toFixed(1)} min: ${text}\n`);
const median = (numbers) => percentile(numbers, 0.5);
const ms = (number) => number.toFixed(1);
const ms3 = (number) => number.toFixed(3);
const hundredths = (number) => number.toFixed(2);
const rounded = (number) => number.toFixed(0);
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
const one30 = await wall.onCanvas({ cameras: 1, fps: 30, viewers: 1 }, 2 * SECONDS);
const eight10 = await wall.onCanvas({ cameras: 8, fps: 10, viewers: 10 }, 2 * SECONDS);
say('sixteen cameras');
const sixteen = await wall.sixteen(SECONDS);
say('viewers');
const crowds = [];
for (const size of fanout.CROWDS) {
  const [count, cameras] = size;
  say(`  ${count} of ${cameras}`);
  const server = (start) => fanout.crowd(start, size, CROWD);
  const cost = await byTurns(() => server(servers.ours), () => server(servers.relay));
  crowds.push({ size, ...cost, ustreamer: cameras === 1 ? [await server(servers.ustreamer)] : null });
}
say('slow viewers');
const slowly = await fanout.slowly(SLOW);
const stalls = await fanout.stalled(SLOW);
say("a class's video conference");
const pixels = await conference.measure(2, say);
say('the broker');
const brokers = (measure, rounds = ROUNDS) => byTurns(() => onOurs(measure), () => onMosquitto(measure), rounds);
const one = await brokers(fan(1));
const eight = await brokers(fan(8));
const house = await brokers(cameras);
say('slow subscribers');
const quick = await brokers(slow({}), 1);
const phone = await brokers(slow({ rate: 4e6 }), 1);
const stalled = await brokers(slow({ stalled: 20 }), 1);
say('processor time for each frame');
const captured = [];
for (const one of capture.CASES) {
  say(`  ${one.format} ${one.size}`);
  const cost = await byTurns(() => capture.ours(one, CAPTURE), () => capture.ustreamer(one, CAPTURE));
  captured.push({ ...one, ...cost, idle: await capture.idle(one, CAPTURE) });
}
say('memory');
const whole = { ours: await memory.whole(FRAMES), peer: await memory.ustreamer(SECONDS) };
const node = await memory.node(SECONDS);

say('a crowd');
const crowd = await memory.crowd(PEOPLE, 2 * SECONDS);

say('photos');
// Half of what is on its way waits while the other half is written.
const kept = await byTurns(() => store.ingest(SECONDS, 32), () => store.disk(SECONDS, 16));
const alone = await store.ingest(SECONDS, 2);
say(`an index of ${PHOTOS} photos`);
const many = await store.index(PHOTOS);

const at = (rounds, part) => median(rounds.map((ages) => percentile(ages, part)));
const ratio = (a, b) => (a / b).toFixed(2);
const middle = (rounds, key) => median(rounds.map((round) => round[key]));
const of = ({ ours, peer }, key, what, form) => row(what, middle(ours, key), middle(peer, key), form);
const row = (what, ours, peer, form) => `| ${what} | ${form(ours)} | ${form(peer)} | ${ratio(ours, peer)} |`;
const beside = ({ ours: [ours], peer: [peer] }, key, what, form, aim) => `| ${what} | ${form(ours[key])} | ${form(peer[key])} | ${aim} |`;
const of3 = (form) => [slowly.ours, slowly.relay, slowly.ustreamer].map(form).join(' | ');
const viewers = ({ size: [count, cameras], ours, peer, ustreamer }) => [
  ['s of processor time for each GB', (rounds) => hundredths(middle(rounds, 'cost'))],
  ['ages in ms, p50 / p99', (rounds) => `${rounded(middle(rounds, 'p50'))} / ${rounded(middle(rounds, 'p99'))}`],
  ['frames a second of each camera', (rounds) => ms(middle(rounds, 'fps'))],
].map(([what, form], i) => {
  const names = i === 0 ? `${count}, ${cameras}` : '';
  const beside = i === 0 ? ratio(middle(ours, 'cost'), middle(peer, 'cost')) : '';
  return `| ${names} | ${what} | ${form(ours)} | ${form(peer)} | ${beside} | ${ustreamer ? form(ustreamer) : '–'} |`;
});
const passed = ({ format, size, ours, peer, idle }) => {
  const [all, theirs, preview] = [median(ours), median(peer), Math.max(0, idle.preview / 30)];
  return `${row(`${format} ${size}`, all, theirs, ms3)} ${ms3(preview)} | ${ratio(all - preview, theirs)} | ${ms(idle.all)} |`;
};
const { model } = cpus()[0];

writeFileSync(PAGE, `# Performance

Written by \`make bench\`. Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} cores (${model}),
${(totalmem() / 1e9).toFixed(0)} GB, Linux ${release()}; load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')} at the end, after ${(performance.now() / 60_000).toFixed(1)} minutes.
Ratios are of medians of ${ROUNDS} rounds, Vitrina and the peer by turns; memory has one round. Trust the ratios more than the figures: machines differ, and this one does other work too.

## The age of a frame

The node draws and encodes the test card at 1280x720, 30 a second. The age counts from the moment at which the card shows its clock, so it includes drawing and encoding.

| ms | Vitrina | through Mosquitto | ratio |
| --- | --- | --- | --- |
${row('at mosquitto_sub, p50', at(mqtt.ours, 0.5), at(mqtt.peer, 0.5), ms)}
${row('at mosquitto_sub, p99', at(mqtt.ours, 0.99), at(mqtt.peer, 0.99), ms)}

"Through Mosquitto" is the same node with Debian's Mosquitto as its broker.

| ms | Vitrina |
| --- | --- |
| on the canvas in headless Chromium, p50 | ${ms(at(canvas, 0.5))} |
| on the canvas in headless Chromium, p99 | ${ms(at(canvas, 0.99))} |

| ms, from a camera (\`tests/preload\`, MJPEG 1280x720) | Vitrina | aim |
| --- | --- | --- |
| one camera of 30 a second, on the canvas, p50 | ${ms(percentile(one30.seen, 0.5))} | 25 |
| one camera of 30 a second, on the canvas, p99 | ${ms(percentile(one30.seen, 0.99))} | 50 |
| the same, until the page has drawn it, as its key \`i\` shows | ${ms(percentile(one30.drawn, 0.5))} | |
| 8 cameras of 10 a second, 10 viewers including the page, p50 | ${ms(percentile(eight10.seen, 0.5))} | |
| 8 cameras of 10 a second, 10 viewers including the page, p99 | ${ms(percentile(eight10.seen, 0.99))} | 80 |
| the same, until the page has drawn it | ${ms(percentile(eight10.drawn, 0.5))} | |

The page's main thread reads the canvas every 4 to 8 ms, so the age includes the way from the thread that draws. A screen shows it at its next refresh.
The key's figure ends when that thread has drawn it.
The age counts from when the node draws the card, or from when the driver had the frame. Everything runs on this one machine, Chromium without a GPU.

## Viewers

The gallery runs as a process of its own, with frames of 60 kB from the broker. Beside it run a plain relay on Node.js \`ws\` with the same frames, and µStreamer with one camera of its own (90 kB, capture included).
The table shows the server's processor time for each GB that arrived. One camera gives 30 frames a second, eight give 10 each. Viewers and source are one program on the same machine: where it cannot keep up, Vitrina sends fewer frames and the relay old ones.

| viewers, cameras | | Vitrina | Node.js \`ws\` | ratio | µStreamer |
| --- | --- | --- | --- | --- | --- |
${crowds.flatMap(viewers).join('\n')}

Eight cameras of 30 a second (14.4 MB/s) and viewers that take less, all at once; µStreamer's viewers watch one camera, with an eighth of the rate. Ages in ms, over ${SLOW} s: the relay's grow for as long as the test lasts.

| | Vitrina | Node.js \`ws\` | µStreamer |
| --- | --- | --- | --- |
${fanout.RATES.map((rate, i) => `| ${rate / 1000} kB/s: p50 / p99 | ${of3(({ ages }) => `${rounded(ages[i].p50)} / ${rounded(ages[i].p99)}`)} |`).join('\n')}
| after a stall of ${SLOW / 2} s: frames older than a second that arrive first | ${of3(({ back }) => rounded(back))} |
| frames that another viewer missed meanwhile, % | ${of3(({ missed }) => ms(100 * missed))} |

200 viewers of eight cameras of 10 a second, 20 of whom take nothing, on one gallery process:

| | Vitrina | aim |
| --- | --- | --- |
| memory at its peak, MB | ${mb(stalls.peak)} | 100 |
| frames a second of each camera at a viewer that reads | ${ms(stalls.fps)} | |
| ages in ms, p50 / p99 | ${rounded(stalls.p50)} / ${rounded(stalls.p99)} | |
| the viewer with the fewest frames beside the one with the most | ${hundredths(stalls.viewers)} | |
| the same for single tiles (1st and 99th percentile) | ${hundredths(stalls.tiles)} | |

${conference.section(pixels)}
## A wall of sixteen cameras

1280x720, MJPEG, 15 a second, in a window of 1920x1080 in Chromium. Processor time is that of broker, gallery and node together, including the small pictures.

| | MB/s to the page | beside one | processor, % of a core |
| --- | --- | --- | --- |
| one camera, full size | ${hundredths(sixteen.one.bytes / 1e6)} | | ${ms(sixteen.one.cpu)} |
| all sixteen, small (the aim: at most twice) | ${hundredths(sixteen.small.bytes / 1e6)} | ${ratio(sixteen.small.bytes, sixteen.one.bytes)} | ${ms(sixteen.small.cpu)} |
| one enlarged, all in the film strip | ${hundredths(sixteen.enlarged.bytes / 1e6)} | ${ratio(sixteen.enlarged.bytes, sixteen.one.bytes)} | ${ms(sixteen.enlarged.cpu)} |

## The broker

Messages of 100 kB, QoS 0, beside Debian's Mosquitto with its defaults.

| | Vitrina | Mosquitto | ratio |
| --- | --- | --- | --- |
${of(one, 'latency', '1 to 1: ms, one message at a time', hundredths)}
${of(one, 'rate', '1 to 1: MB/s, 16 in transit', rounded)}
${of(one, 'cost', '1 to 1: ms of processor time for 100 MB', rounded)}
${of(eight, 'latency', '1 to 8: ms until the last has it', hundredths)}
${of(eight, 'rate', '1 to 8: MB/s at all of them together', rounded)}
${of(eight, 'cost', '1 to 8: ms of processor time for 100 MB', rounded)}
${of(house, 'p50', '8 at 30 a second to 8: ms, p50', hundredths)}
${of(house, 'p99', '8 at 30 a second to 8: ms, p99', hundredths)}

Publishers and subscribers are one program on the same machine, which also bounds the rates.

Eight cameras of 150 kB at 30 a second (36 MB/s), one subscriber that keeps up, for 5 s. Memory is the broker's peak.

| | Vitrina | Mosquitto | aim |
| --- | --- | --- | --- |
${beside(quick, 'peak', 'nobody slow: MB', mb, 40)}
${beside(phone, 'peak', 'one more that takes 4 MB/s: MB', mb, '')}
${beside(phone, 'age', 'its frames: ms old, p99', rounded, 500)}
${beside(phone, 'missed', 'frames that the other missed', String, 0)}
${beside(stalled, 'peak', '20 more that take nothing: MB', mb, 60)}
${beside(stalled, 'missed', 'frames that the other missed', String, 0)}

## From the camera to the network

Processor time for each frame at 30 a second (\`tests/preload\`), quality 80, without the camera's own: Vitrina's node, until its frame is with the broker,
and µStreamer, until it is with an HTTP client. Both pass MJPEG through and encode YUYV: µStreamer as 4:2:0, Vitrina as 4:2:2 like the camera, a third more to encode.
Vitrina's time includes one preview a second, for which the node decodes an MJPEG frame and makes it smaller; µStreamer makes none. The preview's share is the difference to a node that nobody watches and that has no broker.

| ms | Vitrina | µStreamer | ratio | of ours the preview | ratio without | ours, nobody watching, a second |
| --- | --- | --- | --- | --- | --- | --- |
${captured.map(passed).join('\n')}

## Photos

Snapshots of 1920x1080 and 300 kB, from their publication with QoS 1 until the gallery acknowledges them, file and index synced, while it makes thumbnails. Beside it this disk
alone, when ${store.WRITERS} threads write and sync the same files in the same way, in groups.

| photos a second | Vitrina | the disk | ratio |
| --- | --- | --- | --- |
${row('32 in transit, as from 16 nodes', median(kept.ours), median(kept.peer), rounded)}

One node alone has two in transit: ${rounded(alone)} a second. The aim was 200, or what the disk allows.

An index of ${PHOTOS.toLocaleString('en')} photos of 16 cameras and 40 people over three years, queried by one client at a time, until the last byte arrives.

| ms | p50 | p99 | maximum |
| --- | --- | --- | --- |
${Object.entries(many.times).map(([what, times]) => `| ${what} | ${[0.5, 0.99, 1].map((part) => ms(percentile(times, part))).join(' | ')} |`).join('\n')}

The gallery is ready ${rounded(many.start)} ms after its start, ${rounded(many.restart)} ms after it was killed, and takes ${mb(many.bytes)} MB then. The aims were 10 ms for a page, 2 s and 80 MB.

## Memory

Resident memory without shared pages, with one MJPEG camera of 1280x720 at 30 a second (\`tests/preload\`).

| MB | Vitrina | µStreamer | ratio |
| --- | --- | --- | --- |
${row('broker, gallery and node in one process, three viewers', whole.ours, whole.peer, mb)}

| MB | Vitrina |
| --- | --- |
| the node alone, every frame wanted | ${mb(node)} |

| ${PEOPLE} people, each receiving every message; then ${crowd.churn} coming or leaving a second for ${2 * SECONDS} s | Vitrina |
| --- | --- |
| broker and gallery in one process, MB | ${mb(crowd.bytes)} |
| from the first message until all have received all ${PEOPLE}, ms | ${ms(crowd.all)} |
| meanwhile, from sending until another has received it, at most, ms | ${ms(crowd.slowest)} |

µStreamer is only an HTTP server for a camera; Vitrina's process also has the broker and the gallery.
The aims were 60 MB for the whole, 15 MB for the node, and 150 MB with 500 people. Memory over an hour: [soak.md](soak.md), which \`make soak\` writes.
`);
say(`wrote ${PAGE}`);
