// The broker beside Mosquitto: throughput, latency, and what slow subscribers cost.

import { readFileSync } from 'node:fs';
import { setTimeout as pass } from 'node:timers/promises';

import { Child } from '../harness/child.mjs';
import { freePort } from '../harness/port.mjs';
import { memory as resident } from '../harness/process.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { percentile } from './age.mjs';
import { Client, now } from './client.mjs';

/** Messages on their way at once, each on a topic of its own, so that none replaces another. */
const WINDOW = 16;
const CAMERAS = 8;
const FPS = 30;

/** Runs `measure(port, pid)` on a broker of ours. */
export async function onOurs(measure) {
  const broker = await Vitrina.start(['broker']);
  const result = await measure(broker.port, broker.pid);
  await broker.stop();
  return result;
}

/** The same on Debian's Mosquitto. */
export async function onMosquitto(measure) {
  const port = await freePort();
  const broker = new Child('mosquitto', ['-p', `${port}`]);
  await until('Mosquitto listens', () => broker.stderr.includes('running'));
  const result = await measure(port, broker.pid);
  await broker.kill();
  return result;
}

/**
 * From one publisher to `count` subscribers, 100 kB: the median milliseconds from sending until the
 * last has it, with one message on its way; and with several, the megabytes that arrive in a second
 * and the milliseconds of processor time that the broker takes for 100 MB.
 */
export const fan = (count) => async (port, pid) => {
  const payload = Buffer.alloc(100_000, 0x5a);
  let arrived = () => {};
  const subscribers = [];
  for (let i = 0; i < count; i++) {
    const client = await Client.connect(port, { each: (_, head) => arrived(head) });
    await client.subscribe('bench/#');
    subscribers.push(client);
  }
  const publisher = await Client.connect(port);
  /** Keeps `window` messages on their way for `time` ms; gives the times that each took. */
  const run = (window, time) => new Promise((resolve) => {
    const [took, missing, end] = [[], new Map(), now() + time];
    let next = 0;
    const send = () => {
      missing.set(next, count);
      publisher.publish(`bench/${next % window}`, payload, next);
      next++;
    };
    arrived = (head) => {
      const number = head.readUInt32LE(8);
      const left = missing.get(number) - 1;
      missing.set(number, left);
      if (left > 0) return;
      missing.delete(number);
      took.push(now() - head.readDoubleLE());
      if (now() < end) send();
      else if (missing.size === 0) resolve(took);
    };
    for (let i = 0; i < window; i++) send();
  });
  await run(1, 200);
  const latency = percentile(await run(1, 800), 0.5);
  const [begin, busy] = [now(), processor(pid)];
  const messages = (await run(WINDOW, 1500)).length;
  const megabytes = (messages * count * payload.length) / 1e6;
  const result = { latency, rate: megabytes / ((now() - begin) / 1000), cost: ((processor(pid) - busy) / megabytes) * 100 };
  for (const client of [publisher, ...subscribers]) client.close();
  return result;
};

/** Eight cameras of 100 kB, 30 a second, to eight subscribers of all: milliseconds, and what is missed. */
export async function cameras(port, pid) {
  const house = await House.open(port, 100_000);
  const ages = [];
  const subscribers = [];
  for (let i = 0; i < 8; i++) subscribers.push(await house.subscribe({ each: (age) => ages.push(age) }));
  await house.show(3000);
  const missed = 1 - ages.length / (8 * house.sent);
  const result = { p50: percentile(ages, 0.5), p99: percentile(ages, 0.99), missed, bytes: resident(pid) };
  house.close();
  return result;
}

/**
 * Eight cameras of 150 kB, 30 a second, one subscriber that keeps up, and slow ones: the broker's
 * peak bytes, what the good one missed, and the 99th percentile of the slow one's ages.
 * @param {{rate?: number, stalled?: number}} options the bytes a second of a slow one, and how many take nothing
 */
export const slow = ({ rate, stalled = 0 }) => async (port, pid) => {
  const house = await House.open(port, 150_000);
  let [got, peak] = [0, 0];
  const ages = [];
  await house.subscribe({ each: () => got++ });
  for (let i = 0; i < stalled; i++) (await house.subscribe({})).stall();
  if (rate) await house.subscribe({ rate, each: (age) => ages.push(age) });
  const look = setInterval(() => (peak = Math.max(peak, resident(pid))), 50);
  await house.show(5000);
  clearInterval(look);
  const result = { peak, missed: house.sent - got, age: percentile(ages, 0.99), seen: ages.length };
  house.close();
  return result;
};

/** Eight cameras and who looks at all of them. */
class House {
  #clients = [];
  sent = 0;

  static async open(port, size) {
    const house = new House();
    house.port = port;
    house.payload = Buffer.alloc(size, 0x5a);
    house.cameras = await Promise.all(Array.from({ length: CAMERAS }, () => Client.connect(port)));
    house.#clients.push(...house.cameras);
    return house;
  }

  async subscribe({ each = () => {}, rate }) {
    const client = await Client.connect(this.port, { rate, each: (_, head) => each(now() - head.readDoubleLE()) });
    await client.subscribe('vitrina-jpeg/#');
    this.#clients.push(client);
    return client;
  }

  /** Publishes for `time` ms, the cameras by turns, and waits for the last frames. */
  async show(time) {
    const begin = now();
    for (; now() - begin < time; ) {
      const due = ((now() - begin) / 1000) * FPS * CAMERAS;
      for (; this.sent < due; this.sent++) {
        const n = this.sent % CAMERAS;
        this.cameras[n].publish(`vitrina-jpeg/bench/camera-${n}/live/full`, this.payload);
      }
      await pass(1);
    }
    await pass(300);
  }

  close() {
    for (const client of this.#clients) client.close();
  }
}

/** Milliseconds of processor time that a process has had (proc(5); the clock ticks 100 times a second). */
function processor(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
