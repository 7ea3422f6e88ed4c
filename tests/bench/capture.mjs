// Processor time for each frame from camera to network: our node with an MQTT subscriber, and
// µStreamer with an HTTP client, on the same camera (preload/v4l2cam.c).

import { readFileSync, readdirSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as pass } from 'node:timers/promises';

import { Child } from '../harness/child.mjs';
import { freePort } from '../harness/port.mjs';
import { Subscriber, wanted } from '../harness/mosquitto.mjs';
import { Cameras } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const NAME = 'rig-test-camera-rig0000';
const CAMERA = `bench/${NAME}`;

/** What is measured: V4L2's format and the size. */
export const CASES = ['MJPG', 'YUYV'].flatMap((format) => ['640x480', '1280x720', '1920x1080'].map((size) => ({ format, size })));

/** A broker, and a node with the camera. */
async function start({ format, size }) {
  const [width, height] = size.split('x');
  const broker = await Vitrina.start(['broker']);
  const camera = `node.camera=[{name="${NAME}", width=${width}, height=${height}, format="${format}"}]`;
  const set = ['node.name=bench', camera, `node.broker=${broker.ready.broker}`];
  const node = await Vitrina.start(['node'], { set, env: new Cameras().env });
  return { broker, node };
}

/** Milliseconds of our node for each frame that a subscriber got. */
export async function ours(what, seconds) {
  const { broker, node } = await start(what);
  let frames = 0;
  const [topic, state] = [`vitrina-jpeg/${CAMERA}/live/full`, `vitrina/${CAMERA}/state`];
  const facts = new Subscriber(broker.port, [state]);
  // A node that tells its state hears what is wanted.
  await facts.fact(state, ({ state }) => state === 'idle');
  await facts.stop();
  const subscriber = new Subscriber(broker.port, [topic], { keep: false, each: () => (frames += 1) });
  const want = wanted(broker.port, CAMERA, 30);
  const cost = await perFrame(node.pid, () => frames, seconds);
  want.stop();
  await subscriber.stop();
  await node.stop();
  await broker.stop();
  return cost;
}

/**
 * Milliseconds of our node for each second in which nobody watches, and what of it the preview is: without a
 * broker there is none, and frames are taken and looked at all the same.
 */
export async function idle(what, seconds) {
  const { broker, node } = await start(what);
  const perSecond = async () => {
    const before = cpu(node.pid);
    await pass(seconds * 1000);
    return (cpu(node.pid) - before) / seconds;
  };
  const subscriber = new Subscriber(broker.port, [`vitrina-jpeg/${CAMERA}/preview`]);
  await until('a preview', () => subscriber.messages.length > 1);
  const all = await perSecond();
  await subscriber.stop();
  await broker.stop();
  const preview = all - (await perSecond());
  await node.stop();
  return { all, preview };
}

/** Milliseconds of µStreamer for each frame that an HTTP client got. */
export async function ustreamer({ format, size }, seconds) {
  const env = Object.entries(new Cameras().env).map((pair) => pair.join('='));
  const port = await freePort();
  const encoder = format === 'MJPG' ? ['-m', 'MJPEG', '--encoder', 'HW'] : ['-m', format, '--encoder', 'CPU'];
  const options = ['-d', '/dev/video0', ...encoder, '-r', size, '-f', '30', '-q', '80'];
  const child = new Child('env', [...env, 'ustreamer', '--host', '127.0.0.1', '-p', `${port}`, ...options]);
  await until('µStreamer listens', () => /Listening|listening/.test(child.stderr));
  let frames = 0;
  const client = get(`http://127.0.0.1:${port}/stream`, (answer) => {
    answer.on('data', (chunk) => (frames += chunk.toString('latin1').split('Content-Type: image/jpeg').length - 1));
    answer.on('error', () => {});
  });
  client.on('error', () => {});
  const cost = await perFrame(child.pid, () => frames, seconds);
  client.destroy();
  await child.kill();
  return cost;
}

async function perFrame(pid, frames, seconds) {
  await until('frames', () => frames() > 10);
  const before = { cpu: cpu(pid), frames: frames() };
  await pass(seconds * 1000);
  return (cpu(pid) - before.cpu) / (frames() - before.frames);
}

/** Milliseconds of processor time of a program without its camera's threads (schedstat). */
export function cpu(pid) {
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const of = `/proc/${pid}/task/${task}`;
    if (readFileSync(`${of}/comm`, 'utf8').startsWith('v4l2cam')) continue;
    total += Number(readFileSync(`${of}/schedstat`, 'utf8').split(' ')[0]);
  }
  return total / 1e6;
}
