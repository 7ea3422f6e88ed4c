// A class's video conference of pixels as JSON: frames a second and lag on our relay, on one of Node.js `ws`, and on one of Python `websockets`.
//
// Alone, in about a minute: VITRINA=../target/release/vitrina node bench/conference.mjs
// It writes its section of docs/performance.md.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pass } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { WebSocket } from 'ws';

import { Child } from '../harness/child.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { percentile } from './age.mjs';
import { cpu } from './capture.mjs';
import { now } from './client.mjs';
import { WebSocketWatcher } from './watcher.mjs';

// The pixels of 160x120 as `JSON.stringify` writes those of a canvas: an object of 76,800 numbers.
const PIXELS = Buffer.from(`,"datos":${JSON.stringify(Uint8ClampedArray.from({ length: 160 * 120 * 4 }, (_, n) => (n * 7) % 256))}}`);

const WARM = 500;
const ROUNDS = 2;

/** What the slow one of the lookers takes, in bytes a second. */
const SLOW = 4e6;

/** Somebody who sends. */
async function sender(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  await once(socket, 'open');
  socket.on('error', () => {});
  socket.frame = () => socket.send(Buffer.concat([Buffer.from(`{"identificador":${now()}`), PIXELS]), { binary: false });
  return socket;
}

/** Somebody who looks: each frame's beginning says when it was sent. */
class Looker extends WebSocketWatcher {
  end({ opcode, data }) {
    if (opcode !== 1) return super.end({ opcode, data });
    this.each(now() - Number(/^{"identificador":([\d.]+)/.exec(data.toString('latin1'))[1]));
    this.answer?.();
  }

  /** Looks with credits from here on: an empty message for each frame. */
  answers() {
    this.answer = () => this.socket.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0]));
    return this;
  }
}

async function ours() {
  const vitrina = await Vitrina.start(['class', '--http', '0', '--tcp', '0'], { set: ['node.test_card.show="never"'] });
  return { port: Number(vitrina.class.http.port), pid: vitrina.pid, stop: () => vitrina.stop() };
}

async function program(command, script) {
  const child = new Child(command, [fileURLToPath(new URL(script, import.meta.url))]);
  const [port] = await Promise.race([once(child.stdout, 'data'), child.gone.then(() => Promise.reject(new Error(child.stderr)))]);
  return { port: Number(`${port}`), pid: child.pid, stop: () => child.kill() };
}

const node = () => program(process.execPath, 'relay.mjs');
const python = () => program(process.env.PYTHON ?? '/usr/bin/python3', '../harness/relay.py');

/** Frames a second at each of `lookers`, their lags in ms, and the server's seconds of processor time for each GB that they got. */
async function measured(server, lookers, seconds) {
  await pass(WARM);
  for (const looker of lookers) looker.lags.length = 0;
  const arrived = () => lookers.reduce((sum, { bytes }) => sum + bytes, 0);
  const before = { cpu: cpu(server.pid), bytes: arrived() };
  await pass(seconds * 1000);
  const lags = lookers.flatMap(({ lags }) => lags);
  const gigabytes = (arrived() - before.bytes) / 1e9;
  return {
    fps: lags.length / lookers.length / seconds,
    p50: percentile(lags, 0.5),
    p99: percentile(lags, 0.99),
    cost: (cpu(server.pid) - before.cpu) / 1000 / gigabytes,
  };
}

async function look(port, { rate, path = '/' } = {}) {
  const lags = [];
  const looker = await Looker.relay(port, { rate, path, each: (lag) => lags.push(lag) });
  looker.lags = lags;
  return looker;
}

const all = (count, one) => Promise.all(Array.from({ length: count }, one));

/** One sends whenever its last frame has gone out; four look. */
async function quickly(start, seconds) {
  const server = await start();
  const lookers = await all(4, () => look(server.port));
  const sends = await sender(server.port);
  const timer = setInterval(() => sends.bufferedAmount === 0 && sends.frame(), 1);
  const result = await measured(server, lookers, seconds);
  clearInterval(timer);
  await end(server, lookers, [sends]);
  return result;
}

/** Eight send twice a second, and look at each other. */
async function together(start, seconds) {
  const server = await start();
  const lookers = await all(8, () => look(server.port));
  const pupils = await all(8, () => sender(server.port));
  // Lookers and senders are apart, so that each looker gets the frames of all eight.
  const timers = pupils.map((pupil) => setInterval(() => pupil.frame(), 500));
  const result = await measured(server, lookers, seconds);
  timers.forEach(clearInterval);
  await end(server, lookers, pupils);
  return result;
}

/** One sends twenty a second, and of four who look one takes little: the lookers that could take more. */
async function beside(start, seconds, slowly = {}) {
  const server = await start();
  const slow = await look(server.port, { rate: SLOW, ...slowly });
  if (slowly.path) slow.answers();
  const lookers = await all(3, () => look(server.port));
  const sends = await sender(server.port);
  const timer = setInterval(() => sends.frame(), 50);
  const result = await measured(server, lookers, seconds);
  result.slow = percentile(slow.lags, 0.5);
  clearInterval(timer);
  await end(server, [slow, ...lookers], [sends]);
  return result;
}

async function end(server, lookers, senders) {
  for (const looker of lookers) looker.close();
  for (const socket of senders) socket.terminate();
  await server.stop();
}

/** The three of each case by turns. */
export async function measure(seconds, say = () => {}) {
  const cases = { quickly: [], together: [], beside: [] };
  for (let round = 1; round <= ROUNDS; round++) {
    say(`  round ${round} of ${ROUNDS}`);
    for (const [name, run] of Object.entries({ quickly, together, beside })) {
      const result = { ours: await run(ours, seconds), node: await run(node, seconds), python: await run(python, seconds) };
      if (name === 'beside') result.credits = await beside(ours, seconds, { path: '/?credits=2' });
      cases[name].push(result);
    }
  }
  return cases;
}

const HEADING = "## A class's video conference";

/** The section of docs/performance.md. */
export function section(cases) {
  const middle = (rounds, who, key) => percentile(rounds.map((round) => round[who][key]), 0.5);
  const row = (rounds, what, key, form, ratio = true) => {
    const [us, ...them] = ['ours', 'node', 'python'].map((who) => middle(rounds, who, key));
    const cells = them.map((they) => `${form(they)} | ${ratio ? (us / they).toFixed(2) : ''}`);
    return `| ${what} | ${form(us)} | ${cells.join(' | ')} |`;
  };
  const [one, two] = [(number) => number.toFixed(1), (number) => number.toFixed(2)];
  const rows = (rounds, what) => [
    row(rounds, `${what}: frames a second`, 'fps', one),
    row(rounds, 'lag in ms, p50', 'p50', one),
    row(rounds, 'lag in ms, p99', 'p99', one),
    row(rounds, 's of processor time for each GB', 'cost', two),
  ].join('\n');
  const slow = ['ours', 'credits', 'node', 'python'];
  const of = (key, form) => slow.map((who) => form(middle(cases.beside, who, key))).join(' | ');
  return `${HEADING}

Pixels of 160x120 as JSON, ${(PIXELS.length / 1000).toFixed(0)} kB a frame, as a class's pages send them: through \`vitrina class\`, through a relay of twelve lines on Node.js \`ws\`, and through one of Python \`websockets\`, without compression.
Ratios are ours to theirs: of frames more is better, of lag and processor time less. Senders and lookers are one program on the same machine, which also bounds the rates.

| | Vitrina | Node.js \`ws\` | ratio | Python \`websockets\` | ratio |
| --- | --- | --- | --- | --- | --- |
${rows(cases.quickly, 'one sends as fast as it can, four look')}
${rows(cases.together, 'eight send twice a second, eight look at all')}

One sends twenty a second; of four who look, one takes ${SLOW / 1e6} MB/s. A plain relay has three ways out: all wait for the slow one (Vitrina, Python), its queue grows without a bound (Node.js), or, if it asks for credits (\`?credits=2\`), it gets the newest frame or none and nobody waits.

| | Vitrina | the slow one with credits | Node.js \`ws\` | Python \`websockets\` |
| --- | --- | --- | --- | --- |
| the others: frames a second | ${of('fps', one)} |
| lag in ms, p50 | ${of('p50', one)} |
| the slow one: lag in ms, p50 | ${of('slow', one)} |
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
  const own = section(await measure(2, (text) => process.stderr.write(`${text}\n`)));
  const rest = readFileSync(page, 'utf8').split(/^(?=## )/m).filter((part) => !part.startsWith(HEADING));
  // Behind the viewers, where run.mjs has it.
  const at = rest.findIndex((part) => part.startsWith('## A wall of sixteen'));
  rest.splice(at < 0 ? rest.length : at, 0, `${own}\n`);
  writeFileSync(page, rest.join(''));
  process.stdout.write(own);
}
