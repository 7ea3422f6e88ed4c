// Cameras on the canvas of a page: how old their pictures are there, and what a wall of sixteen takes.
//
// The cameras (preload/v4l2cam.c) show a new number at fixed times, so when a picture was captured
// can be told from its pixels.

import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pass } from 'node:timers/promises';

import { launch } from '../harness/chromium.mjs';
import { uncomment, unstamp } from '../harness/jpeg.mjs';
import { Subscriber, wanted } from '../harness/mosquitto.mjs';
import { Cameras } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { cpu } from './capture.mjs';
import { now } from './client.mjs';
import { WebSocketWatcher } from './watcher.mjs';

const NODE = 'bench';
const name = (n) => `rig-test-camera-rig${String(n).padStart(4, '0')}`;
const id = (n) => `${NODE}/${name(n)}`;

/** All in one process with `cameras` MJPEG cameras of 1280x720. */
function start(cameras, fps) {
  const each = Array.from({ length: cameras }, (_, n) => `{name="${name(n)}", width=1280, height=720, fps=${fps}}`);
  const set = [`node.name=${NODE}`, `node.camera=[${each}]`];
  return Vitrina.start([], { set, env: new Cameras(cameras).env });
}

/** When a camera showed number 0, by the wall clock in ms. */
async function origin(vitrina, camera, fps) {
  const want = wanted(vitrina.port, camera, fps);
  const frames = new Subscriber(vitrina.port, [`vitrina-jpeg/${camera}/live/full`]);
  await until('a frame', () => frames.messages.length > 3, { limit: 20_000 });
  const { made } = uncomment(unstamp(frames.messages.at(-1).payload).bare);
  want.stop();
  await frames.stop();
  const ago = Number(process.hrtime.bigint() - BigInt(made.mono_ns)) / 1e6;
  return now() - ago - (Number(made.seq) * 1000) / fps;
}

/**
 * Milliseconds from capture until the main thread of a page sees a picture on its canvas, with so
 * many viewers, of which the page is one; and until the page has drawn it, as its key `i` tells,
 * a mean for each of some seconds.
 */
export async function onCanvas({ cameras, fps, viewers }, seconds) {
  const vitrina = await start(cameras, fps);
  const began = await origin(vitrina, id(0), fps);
  const port = Number(new URL(vitrina.wall).port);
  const all = Array.from({ length: cameras }, (_, n) => id(n));
  const others = [];
  for (let n = 1; n < viewers; n++) others.push(await WebSocketWatcher.ours(port, all, { width: 500 }));
  const browser = await launch();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(vitrina.wall);
  await page.waitForFunction((count) => document.querySelectorAll('[data-state=live]').length === count, cameras);
  // What begins settles: sizes, rates, the exposure of the page's own code to its compiler.
  await pass(2000);
  const seen = await page.evaluate(readNumber, { camera: id(0), origin: began, fps, seconds });
  await page.keyboard.press('i');
  await page.waitForFunction(readParts, id(0));
  const drawn = [];
  for (let n = 0; n < 3; n++) {
    await pass(1000);
    drawn.push(await page.evaluate(readParts, id(0)));
  }
  await browser.close();
  for (const other of others) other.close();
  await vitrina.stop();
  return { seen, drawn };
}

/** The sum of the parts of an age, if all are known. */
function readParts(camera) {
  const parts = [...document.querySelectorAll(`[data-camera="${camera}"] .parts dd`)].map((dd) => Number.parseFloat(dd.textContent));
  return parts.length > 0 && !parts.some(Number.isNaN) && parts.reduce((sum, ms) => sum + ms);
}

/** Reads as often as a page's timers allow, every few ms, where the white block stands in the topmost band. */
function readNumber({ camera, origin, fps, seconds }) {
  const LOOP = 30;
  const [wide, high] = [1280, 720];
  const unit = (high / 40) & ~1;
  const across = 256;
  const shown = document.querySelector(`[data-camera="${camera}"] canvas`);
  const strip = new OffscreenCanvas(across, 1).getContext('2d', { willReadFrequently: true });
  const now = () => performance.timeOrigin + performance.now();
  const number = () => {
    const { width, height } = shown;
    strip.drawImage(shown, 0, (3 * unit * height) / high, width, 1, 0, 0, across, 1);
    const { data } = strip.getImageData(0, 0, across, 1);
    let best = { sum: -1, n: 0 };
    for (let n = 0; n < LOOP; n++) {
      const middle = Math.round(((13 * unit + (n * (wide - 16 * unit)) / (LOOP - 1)) * across) / wide);
      let sum = 0;
      for (let x = middle - 9; x <= middle + 9; x++) sum += data[4 * x] ?? 0;
      if (sum > best.sum) best = { sum, n };
    }
    return best.n;
  };
  return new Promise((resolve) => {
    const ages = [];
    const end = performance.now() + seconds * 1000;
    const period = (1000 * LOOP) / fps;
    let last = number();
    const look = () => {
      const n = number();
      const age = now() - origin - (n * 1000) / fps;
      if (n !== last) ages.push(((age % period) + period) % period);
      last = n;
      if (performance.now() > end) resolve(ages);
      else setTimeout(look);
    };
    look();
  });
}

/** A way to a port that counts the bytes that come from there. */
async function counting(port) {
  const way = { bytes: 0 };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    far.on('data', (chunk) => (way.bytes += chunk.length));
    near.pipe(far).pipe(near);
    for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => {}).on('close', () => other.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  way.port = server.address().port;
  way.close = () => server.close();
  return way;
}

/** Sixteen cameras of 15 a second in a window of 1920x1080: bytes a second and processor time of all our parts, in percent. */
export async function sixteen(seconds) {
  const vitrina = await start(16, 15);
  const port = Number(new URL(vitrina.wall).port);
  const measure = async (bytes) => {
    const before = { cpu: cpu(vitrina.pid), bytes: bytes() };
    await pass(seconds * 1000);
    return { bytes: (bytes() - before.bytes) / seconds, cpu: (cpu(vitrina.pid) - before.cpu) / seconds / 10 };
  };
  await until('sixteen cameras', async () => {
    const all = await (await fetch(new URL('/api/cameras', vitrina.wall))).json();
    return all.length === 16 && all.every(({ state }) => state === 'live' || state === 'idle');
  }, { limit: 20_000 });
  const alone = await WebSocketWatcher.ours(port, [id(0)]);
  await pass(2000);
  const one = await measure(() => alone.bytes);
  alone.close();

  const way = await counting(port);
  const browser = await launch();
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  await page.goto(`http://127.0.0.1:${way.port}/`);
  await page.waitForFunction(() => document.querySelectorAll('[data-state=live]').length === 16, null, { timeout: 30_000 });
  await pass(2000);
  const small = await measure(() => way.bytes);
  await page.locator(`[data-camera="${id(0)}"] button`).first().click();
  await page.locator('.stage canvas').waitFor();
  await pass(2000);
  const enlarged = await measure(() => way.bytes);
  await browser.close();
  way.close();
  await vitrina.stop();
  return { one, small, enlarged };
}
