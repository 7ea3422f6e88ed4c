// A node whose cameras the test paints: of any shape, and silent or gone on command.

import mqtt from 'mqtt';

import { segments } from './jpeg.mjs';

const BOOT = '0badcafe';
const EVERY = 200;
const HEARTBEAT = 5_000;

/** Pictures of these sizes, made by a browser: `[[width, height], …]`, each two of one size. */
export async function paint(browser, sizes) {
  const page = await browser.newPage();
  const urls = await page.evaluate((sizes) => sizes.map(([width, height], i) => ['#264', '#375'].map((colour) => {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    context.fillStyle = colour;
    context.fillRect(0, 0, width, height);
    context.fillStyle = `hsl(${i * 47} 60% 60%)`;
    context.fillRect(width / 4, height / 4, width / 2, height / 2);
    return canvas.toDataURL('image/jpeg', 0.6);
  })), sizes);
  await page.close();
  return urls.map((pair) => pair.map((url) => Buffer.from(url.split(',')[1], 'base64')));
}

export class Painted {
  #client;
  #node;
  #cameras = new Map();
  #timers = [];
  #seq = 0;
  /** Retained messages by topic, published again to a restarted broker. */
  #facts = new Map();

  /** Connects to the broker at `url` as the node `node`. */
  static async start(url, node) {
    const painted = new Painted();
    painted.#node = node;
    painted.#client = await mqtt.connectAsync(url, {
      protocolVersion: 5, clientId: `painted-${node}`, reconnectPeriod: 500,
      will: { topic: `vitrina/${node}/status`, payload: 'offline', qos: 1, retain: true },
    });
    painted.#client.on('connect', () => painted.#facts.forEach((text, topic) => painted.#client.publish(topic, text, { qos: 1, retain: true })));
    painted.#client.on('error', () => {});
    painted.#tell();
    painted.#fact('status', 'online');
    painted.#timers.push(setInterval(() => painted.#beat(), HEARTBEAT), setInterval(() => painted.#draw(), EVERY));
    return painted;
  }

  /** Shows a camera with these pictures in turn. Returns its name on the wall. */
  add(camera, pictures, { size, name = camera } = {}) {
    this.#cameras.set(camera, { pictures, silent: false });
    this.#tell();
    this.state(camera, { state: 'live', size, name });
    return `${this.#node}/${camera}`;
  }

  /** Says what a camera is doing. */
  state(camera, facts) {
    this.#fact(`${camera}/state`, { since: Date.now(), name: camera, device: 'painted', fps: 1000 / EVERY, ...facts });
  }

  /** It gives no picture until further notice. */
  silence(camera, silent = true) {
    this.#cameras.get(camera).silent = silent;
  }

  /** Removes it from the wall. */
  remove(camera) {
    this.#cameras.delete(camera);
    this.#tell();
    this.#fact(`${camera}/state`, '');
  }

  async stop() {
    this.#timers.forEach(clearInterval);
    await this.#client.endAsync(true);
  }

  #fact(topic, fact) {
    const text = typeof fact === 'string' ? fact : JSON.stringify(fact);
    this.#facts.set(`vitrina/${this.#node}/${topic}`, text);
    this.#client.publish(`vitrina/${this.#node}/${topic}`, text, { qos: 1, retain: true });
  }

  /** Who it is and what it has. */
  #tell() {
    const cameras = [...this.#cameras.keys()];
    const who = { machine: '10000000', boot: BOOT, instance: BOOT, host: this.#node, model: 'Painted' };
    this.#fact('info', { kind: 'v4l2', version: '0.1.0', ...who, started: Date.now(), cameras });
  }

  #beat() {
    const stats = { at: Date.now(), mono: Math.round(performance.now()), boot: BOOT, cpu: 1, rss: 1, spool: 0, cameras: {} };
    this.#client.publish(`vitrina/${this.#node}/stats`, JSON.stringify(stats));
  }

  #draw() {
    this.#seq += 1;
    if (!this.#client.connected) return;
    for (const [camera, { pictures, silent }] of this.#cameras) {
      if (silent) continue;
      const picture = pictures[this.#seq % pictures.length];
      this.#client.publish(`vitrina-jpeg/${this.#node}/${camera}/live/full`, this.#stamped(camera, picture));
    }
  }

  #stamped(camera, jpeg) {
    const mono = Math.round(performance.now() * 1000);
    const stamp = Buffer.from(`vitrina node=${this.#node} camera=${camera} seq=${this.#seq} at=${Date.now()}000 mono=${mono} boot=${BOOT}`);
    const length = Buffer.from([0xff, 0xfe, (stamp.length + 2) >> 8, (stamp.length + 2) & 0xff]);
    const first = [...segments(jpeg)].find(({ marker }) => marker < 0xe0 || marker > 0xef);
    return Buffer.concat([jpeg.subarray(0, first.start), length, stamp, jpeg.subarray(first.start)]);
  }
}
