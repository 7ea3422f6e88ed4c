// Many viewers, slow viewers and stalled ones of the gallery, beside a plain relay and µStreamer.

import { setTimeout as pass } from 'node:timers/promises';

import { memory } from '../harness/process.mjs';
import { percentile } from './age.mjs';
import { cpu } from './capture.mjs';
import { ours, relay, ustreamer } from './servers.mjs';

/** Viewers, cameras, and frames a second of each camera. */
export const CROWDS = [[10, 1, 30], [50, 1, 30], [200, 1, 30], [10, 8, 10], [50, 8, 10], [200, 8, 10]];

/** Bytes a second that slow viewers take. */
export const RATES = [4e6, 1e6, 2e5];

const WARM = 1000;

/** A frame is old from this age on, in ms. */
const OLD = 1000;

/** Seconds of processor time for each GB that arrived, ages in ms, and frames a second that each viewer got. */
export async function crowd(start, [viewers, cameras, fps], seconds) {
  const server = await start(cameras);
  let ages = [];
  const each = (age) => ages.push(age);
  const all = await Promise.all(Array.from({ length: viewers }, () => server.watch({ each })));
  server.show(fps);
  await pass(WARM);
  const arrived = () => all.reduce((sum, { bytes }) => sum + bytes, 0);
  const before = { cpu: cpu(server.pid), bytes: arrived() };
  ages = [];
  await pass(seconds * 1000);
  const gigabytes = (arrived() - before.bytes) / 1e9;
  const result = {
    cost: (cpu(server.pid) - before.cpu) / 1000 / gigabytes,
    p50: percentile(ages, 0.5),
    p99: percentile(ages, 0.99),
    fps: ages.length / seconds / viewers / cameras,
  };
  for (const viewer of all) viewer.close();
  await server.stop();
  return result;
}

/**
 * Ages in ms at viewers of each of [`RATES`]; how many frames older than a second one is sent that
 * stalls for half of the time and then reads on; what one that keeps up missed meanwhile. All look at eight cameras of 30 a second;
 * µStreamer's at one, with an eighth of the rate.
 */
async function slow(start, cameras, seconds) {
  const server = await start(cameras);
  const share = cameras === 1 ? 8 : 1;
  const slowly = await Promise.all(RATES.map(async (rate) => {
    const ages = [];
    await server.watch({ rate: rate / share, each: (age) => ages.push(age) });
    return ages;
  }));
  let [good, back] = [0, []];
  await server.watch({ each: () => good++ });
  const stalls = await server.watch({ each: (age) => back.push(age) });
  server.show(30);
  await pass(WARM);
  const [begin, before] = [good, performance.now()];
  stalls.stall();
  await pass(seconds * 500);
  back = [];
  stalls.resume();
  await pass(seconds * 500);
  const due = 30 * cameras * (performance.now() - before) / 1000;
  const result = {
    ages: slowly.map((ages) => ({ p50: percentile(ages, 0.5), p99: percentile(ages, 0.99), seen: ages.length })),
    back: back.filter((age) => age > OLD).length,
    missed: Math.max(0, 1 - (good - begin) / due),
  };
  await server.stop();
  return result;
}

/** The three one after another. */
export async function slowly(seconds) {
  return { ours: await slow(ours, 8, seconds), relay: await slow(relay, 8, seconds), ustreamer: await slow(ustreamer, 1, seconds) };
}

/** 200 viewers of eight cameras, 20 of them stalled: the gallery's peak memory, ages, and how fairly frames are shared. */
export async function stalled(seconds) {
  const server = await ours(8);
  const counts = [];
  let ages = [];
  for (let n = 0; n < 200; n++) {
    const count = new Array(8).fill(0);
    const viewer = await server.watch({ each: (age, tile) => (count[tile]++, ages.push(age)) });
    if (n % 10 === 0) viewer.stall();
    else counts.push(count);
  }
  server.show(10);
  await pass(WARM);
  for (const count of counts) count.fill(0);
  ages = [];
  let peak = 0;
  const look = setInterval(() => (peak = Math.max(peak, memory(server.pid))), 50);
  await pass(seconds * 1000);
  clearInterval(look);
  await server.stop();
  const sums = counts.map((count) => count.reduce((a, b) => a + b));
  const tiles = counts.flat();
  return {
    peak,
    p50: percentile(ages, 0.5),
    p99: percentile(ages, 0.99),
    fps: percentile(sums, 0.5) / 8 / seconds,
    viewers: Math.min(...sums) / Math.max(...sums),
    tiles: percentile(tiles, 0.01) / percentile(tiles, 0.99),
  };
}
