// Resident memory with one 720p MJPEG camera: of everything in one process with three viewers, and
// of the node alone; µStreamer on the same camera beside them.

import { get } from 'node:http';
import { setTimeout as pass } from 'node:timers/promises';

import { Child } from '../harness/child.mjs';
import { Crowd } from '../harness/crowd.mjs';
import { freePort } from '../harness/port.mjs';
import { wanted } from '../harness/mosquitto.mjs';
import { Cameras } from '../harness/preload.mjs';
import { memory } from '../harness/process.mjs';
import { until } from '../harness/until.mjs';
import { Viewer } from '../harness/viewer.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const CAMERA = 'bench/rig-test-camera-rig0000';
const SET = ['node.name=bench', 'node.camera=[{name="rig-test-camera-rig0000", width=1280, height=720}]'];

/** Bytes of the whole in one process, once each of three viewers has drawn `frames`. */
export async function whole(frames) {
  const cameras = new Cameras();
  const vitrina = await Vitrina.start([], { set: SET, env: cameras.env });
  const viewers = await Promise.all([1, 2, 3].map(() => Viewer.connect(vitrina.wall)));
  for (const viewer of viewers) viewer.watch(CAMERA);
  await until(`${frames} frames`, () => viewers.every((v) => v.frames >= frames), { limit: frames * 100 + 20_000 });
  const bytes = memory(vitrina.pid);
  for (const viewer of viewers) viewer.close();
  await vitrina.stop();
  return bytes;
}

/** Bytes of broker and gallery with a crowd, and how many ms its words take. */
export async function crowd(people, seconds) {
  const vitrina = await Vitrina.start([], { set: ['node.test_card.show="never"'] });
  const crowd = await Crowd.join(vitrina.wall, people);
  const all = await crowd.allHearAll();
  const churn = 50;
  const slowest = await crowd.churn(churn, seconds);
  const bytes = memory(vitrina.pid);
  crowd.close();
  await vitrina.stop();
  return { bytes, all, slowest, churn };
}

/** Bytes of the node alone, while every frame is wanted. */
export async function node(seconds) {
  const cameras = new Cameras();
  const broker = await Vitrina.start(['broker']);
  const set = [...SET, `node.broker=${broker.ready.broker}`];
  const node = await Vitrina.start(['node'], { set, env: cameras.env });
  const want = wanted(broker.port, CAMERA, 30);
  await pass(seconds * 1000);
  const bytes = memory(node.pid);
  want.stop();
  await node.stop();
  await broker.stop();
  return bytes;
}

/** Bytes of µStreamer passing the same frames through to three clients. */
export async function ustreamer(seconds) {
  const cameras = new Cameras();
  const env = Object.entries(cameras.env).map((pair) => pair.join('='));
  // It cannot say which port it took, so it is given one.
  const port = await freePort();
  const options = ['-d', '/dev/video0', '-m', 'MJPEG', '--encoder', 'HW', '-r', '1280x720', '-f', '30'];
  const child = new Child('env', [...env, 'ustreamer', '--host', '127.0.0.1', '-p', `${port}`, ...options]);
  await until('µStreamer listens', () => /Listening|listening/.test(child.stderr));
  const clients = [1, 2, 3].map(() => get(`http://127.0.0.1:${port}/stream`, (answer) => answer.resume()));
  await pass(seconds * 1000);
  const bytes = memory(child.pid);
  for (const client of clients) client.destroy();
  await child.kill();
  return bytes;
}
