// How old a test card frame is when it arrives: at an MQTT subscriber, and on the canvas of a page.

import { Child } from '../harness/child.mjs';
import { launch } from '../harness/chromium.mjs';
import { unstamp } from '../harness/jpeg.mjs';
import { freePort } from '../harness/port.mjs';
import { wanted } from '../harness/mosquitto.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const SET = ['node.name=bench', 'node.test_card.show=always', 'node.test_card.width=1280', 'node.test_card.height=720'];
export const CAMERA = 'bench/test-card';
const TOPIC = `vitrina-jpeg/${CAMERA}/live/full`;

/** The value below which `part` of the numbers are. */
export function percentile(numbers, part) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

/** Milliseconds from capture to a subscriber of our own broker. */
export async function throughOurs(frames) {
  const vitrina = await Vitrina.start([], { set: [...SET, 'node.test_card.fps=30'] });
  const want = wanted(vitrina.port, CAMERA, 30);
  const ages = await subscribe(vitrina.port, frames);
  want.stop();
  await vitrina.stop();
  return ages;
}

/** The same node, through Mosquitto. */
export async function throughMosquitto(frames) {
  const port = await freePort();
  const broker = new Child('mosquitto', ['-p', `${port}`]);
  await until('Mosquitto listens', () => broker.stderr.includes('running'));
  const set = [...SET, 'node.test_card.fps=30', `node.broker=mqtt://127.0.0.1:${port}`];
  const node = await Vitrina.start(['node'], { set });
  const want = wanted(port, CAMERA, 30);
  const ages = await subscribe(port, frames);
  want.stop();
  await node.stop();
  await broker.kill();
  return ages;
}

/** The age of each frame, by the time at which mosquitto_sub itself received it. */
async function subscribe(port, frames) {
  const ages = [];
  const sub = new Child('mosquitto_sub', ['-h', '127.0.0.1', '-p', `${port}`, '-t', TOPIC, '-N', '-F', '%U %l\\n%p']);
  let rest = Buffer.alloc(0);
  sub.stdout.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let line; (line = rest.indexOf(10)) >= 0; ) {
      const [received, length] = rest.toString('latin1', 0, line).split(' ').map(Number);
      if (rest.length < line + 1 + length) return;
      const { stamp } = unstamp(rest.subarray(line + 1, line + 1 + length));
      rest = rest.subarray(line + 1 + length);
      ages.push(received * 1000 - Number(stamp.at) / 1000);
    }
  });
  await until(`${frames} frames`, () => ages.length >= frames, { limit: frames * 200 + 20_000 });
  await sub.kill();
  return ages;
}

/** Milliseconds from capture until a page's main thread sees the frame on its canvas. */
export async function onCanvas(frames) {
  // 29 and not 30 a second, so that frames meet every phase of the screen's.
  const vitrina = await Vitrina.start([], { set: [...SET, 'node.test_card.fps=29'] });
  const browser = await launch();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(vitrina.wall);
  await page.waitForSelector(`[data-camera="${CAMERA}"][data-state=live]`);
  const ages = await page.evaluate(readClock, { camera: CAMERA, frames });
  await browser.close();
  await vitrina.stop();
  return ages;
}

/** Reads the strip of 40 cells at the foot of the test card as often as a page's timers allow. */
function readClock({ camera, frames }) {
  const cells = 40;
  const shown = document.querySelector(`[data-camera="${camera}"] canvas`);
  const strip = new OffscreenCanvas(cells, 1).getContext('2d', { willReadFrequently: true });
  const now = () => performance.timeOrigin + performance.now();
  return new Promise((resolve) => {
    const ages = [];
    let last;
    const look = () => {
      const { width, height } = shown;
      strip.imageSmoothingEnabled = false;
      strip.drawImage(shown, 0, height - 8, width, 1, 0, 0, cells, 1);
      const { data } = strip.getImageData(0, 0, cells, 1);
      let clock = 0;
      for (let cell = 0; cell < cells; cell++) clock = clock * 2 + (data[4 * cell] > 127 ? 1 : 0);
      if (last !== undefined && clock !== last) ages.push((now() % 2 ** cells) - clock);
      last = clock;
      if (ages.length >= frames) resolve(ages);
      else setTimeout(look);
    };
    look();
  });
}
