// The three that serve the same viewers: the gallery, a plain relay on Node.js `ws`, µStreamer.
//
// Each has `pid`, `watch(options)` for one more viewer, `show(fps)` to begin, and `stop()`.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { WebSocket } from 'ws';

import { Child } from '../harness/child.mjs';
import { freePort } from '../harness/port.mjs';
import { Cameras } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { Client, now } from './client.mjs';
import { StreamWatcher, WebSocketWatcher } from './watcher.mjs';

const FRAME = 60_000;
const BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
const NODE = 'bench';

/** Calls `frame(camera)` so often for each of `cameras`, by turns, until it is told to stop. */
function pace(cameras, fps, frame) {
  const begin = now();
  let made = 0;
  const timer = setInterval(() => {
    const due = ((now() - begin) / 1000) * fps * cameras;
    // What a busy machine missed is not made up for.
    if (due - made > cameras * 2) made = Math.floor(due) - cameras;
    for (; made < due; made++) frame(made % cameras);
  }, 2);
  return () => clearInterval(timer);
}

/** Our gallery, with a broker of its own and a node that shows pictures of 60 kB. */
export async function ours(cameras) {
  const broker = await Vitrina.start(['broker']);
  const gallery = await Vitrina.start(['gallery'], { set: [`gallery.broker=${broker.ready.broker}`] });
  const node = await Client.connect(broker.port);
  const names = Array.from({ length: cameras }, (_, n) => `camera-${n}`);
  const fact = (topic, payload) => node.say(`vitrina/${NODE}/${topic}`, [Buffer.from(payload)], { retain: true });
  fact('status', 'online');
  const who = { kind: 'test', version: '0', machine: '1', boot: BOOT, instance: '1', host: 'h', started: 1 };
  fact('info', JSON.stringify({ ...who, cameras: names }));
  const state = { state: 'live', since: 1, device: 'x', format: 'MJPG', size: '1280x720', fps: 30 };
  for (const name of names) fact(`${name}/state`, JSON.stringify({ ...state, name }));
  const known = async () => (await (await fetch(new URL('/api/cameras', gallery.wall))).json()).length === cameras;
  await until('the gallery knows the cameras', known);
  const tail = Buffer.alloc(FRAME, 0x5a);
  // An empty scan: whoever looks for the stamp stops there.
  Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]).copy(tail);
  let seq = 0;
  const frame = (n) => {
    const mono = process.hrtime.bigint() / 1000n;
    const at = BigInt(Math.round(now() * 1000));
    const text = `vitrina node=${NODE} camera=${names[n]} seq=${(seq += 1)} at=${at} mono=${mono} boot=${BOOT}`;
    const head = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xfe, 0, text.length + 2]), Buffer.from(text)]);
    node.say(`vitrina-jpeg/${NODE}/${names[n]}/live/full`, [head, tail]);
  };
  const port = Number(new URL(gallery.wall).port);
  let end = () => {};
  return {
    pid: gallery.pid,
    watch: (options) => WebSocketWatcher.ours(port, names.map((name) => `${NODE}/${name}`), options),
    show: (fps) => (end = pace(cameras, fps, frame)),
    async stop() {
      end();
      node.close();
      await gallery.stop();
      await broker.stop();
    },
  };
}

/** A plain relay on Node.js; the same frames, without credits. */
export async function relay(cameras) {
  const script = fileURLToPath(new URL('relay.mjs', import.meta.url));
  const child = new Child(process.execPath, [script]);
  const port = Number((await once(child.stdout, 'data'))[0]);
  const source = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  await once(source, 'open');
  const payload = Buffer.alloc(FRAME, 0x5a);
  const frame = (n) => {
    const data = Buffer.from(payload);
    data.writeDoubleLE(now());
    data.writeUInt16LE(n, 8);
    source.send(data);
  };
  let end = () => {};
  return {
    pid: child.pid,
    watch: (options) => WebSocketWatcher.relay(port, options),
    show: (fps) => (end = pace(cameras, fps, frame)),
    async stop() {
      end();
      source.terminate();
      await child.kill();
    },
  };
}

/** µStreamer with one camera of its own (MJPEG of 90 kB, passed through): 30 a second. */
export async function ustreamer() {
  const env = Object.entries(new Cameras().env).map((pair) => pair.join('='));
  const port = await freePort();
  const options = ['-d', '/dev/video0', '-m', 'MJPEG', '--encoder', 'HW', '-r', '1280x720', '-f', '30'];
  const child = new Child('env', [...env, 'ustreamer', '--host', '127.0.0.1', '-p', `${port}`, ...options]);
  await until('µStreamer listens', () => /Listening|listening/.test(child.stderr));
  return {
    pid: child.pid,
    watch: (options) => StreamWatcher.open(port, options),
    show: () => {},
    stop: () => child.kill(),
  };
}
