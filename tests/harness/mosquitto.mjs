// mosquitto_sub and mosquitto_pub: another MQTT implementation than the one under test.

import { Child, run } from './child.mjs';
import { until } from './until.mjs';

export class Subscriber {
  #child;
  #rest = Buffer.alloc(0);
  /** All messages so far: `{topic, retained, payload}`, the payload as a Buffer. */
  messages = [];

  /**
   * @param {number} port on the loopback
   * @param {string[]} topics
   * @param {{keep?: boolean, each?: (message: object) => void}} options with `keep: false`
   *   messages go to `each` only
   */
  constructor(port, topics, { keep = true, each = () => {} } = {}) {
    /** Called with each message. */
    this.each = each;
    // The payload raw and its length before it, so that any bytes come through.
    const format = ['-N', '-F', '%t %r %l\\n%p'];
    const subscriptions = topics.flatMap((topic) => ['-t', topic]);
    this.#child = new Child('mosquitto_sub', ['-h', '127.0.0.1', '-p', `${port}`, ...format, ...subscriptions]);
    this.#child.unref().stdout.on('data', (chunk) => {
      this.#rest = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk;
      for (let message; (message = this.#take()); ) {
        if (keep) this.messages.push(message);
        this.each(message);
      }
    });
  }

  #take() {
    const line = this.#rest.indexOf(10);
    if (line < 0) return null;
    const [, topic, retained, length] = /^(.*) ([01]) (\d+)$/.exec(this.#rest.toString('utf8', 0, line));
    const end = line + 1 + Number(length);
    if (this.#rest.length < end) return null;
    const payload = Buffer.from(this.#rest.subarray(line + 1, end));
    this.#rest = this.#rest.subarray(end);
    return { topic, retained: retained === '1', payload };
  }

  /** The newest payload of a topic as text, or undefined. */
  text(topic) {
    return this.messages.findLast((message) => message.topic === topic)?.payload.toString();
  }

  /** The newest payload of a topic as JSON, or undefined. */
  json(topic) {
    const text = this.text(topic);
    return text ? JSON.parse(text) : undefined;
  }

  /** Waits until the newest payload of `topic` satisfies `is`, and gives it. */
  async fact(topic, is, options) {
    const payload = topic.endsWith('/status') ? () => this.text(topic) : () => this.json(topic);
    await until(`${topic}: ${is}`, () => {
      const value = payload();
      if (value !== undefined && is(value)) return true;
      throw new Error(JSON.stringify(value) ?? 'nothing yet');
    }, options);
    return payload();
  }

  /** Whether it is still connected. */
  get alive() {
    return this.#child.alive;
  }

  signal(name) {
    this.#child.signal(name);
  }

  stop() {
    return this.#child.kill();
  }
}

/** Publishes one message at QoS 1. */
export async function publish(port, topic, payload, args = []) {
  const end = await run('mosquitto_pub', ['-h', '127.0.0.1', '-p', `${port}`, '-q', '1', '-t', topic, '-m', payload, ...args]);
  if (end.code !== 0) throw new Error(`mosquitto_pub: ${end.stderr}`);
}

/** Asks for frames of a camera until `stop()` is called: in full, or as `{full, half, quarter}` says. */
export function wanted(port, camera, fps) {
  const rates = typeof fps === 'number' ? { full: fps } : fps;
  const say = () => publish(port, `vitrina/${camera}/want`, JSON.stringify({ by: 'test', ...rates, for: 10 })).catch(() => {});
  say();
  const timer = setInterval(say, 3000);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
