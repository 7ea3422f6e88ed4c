// An MQTT 3.1.1 client that costs little: QoS 0, and of each message it looks at the beginning.

import { once } from 'node:events';
import { createConnection } from 'node:net';

const LOOK = 16;

/** Milliseconds since 1970, with fractions. */
export const now = () => performance.timeOrigin + performance.now();

export class Client {
  #socket;
  #rest = Buffer.alloc(0);
  #skip = 0;
  #message;
  #answered = () => {};

  /**
   * Connects to a broker of the loopback.
   * @param {number} port
   * @param {{each?: (topic: string, head: Buffer) => void, rate?: number}} options `each` gets each
   *   message when it is here whole, `rate` is how many bytes a second it takes
   */
  static async connect(port, { each = () => {}, rate = Infinity } = {}) {
    const client = new Client();
    client.#socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    client.#socket.on('error', () => {});
    client.each = each;
    await once(client.#socket, 'connect');
    client.#read(rate);
    const id = text(`bench-${Math.random().toString(16).slice(2)}`);
    await client.#ask(packet(0x10, [text('MQTT'), Buffer.from([4, 2, 0, 0]), id]));
    return client;
  }

  /** Takes nothing from here on. */
  stall() {
    this.#socket.pause();
  }

  subscribe(filter) {
    return this.#ask(packet(0x82, [Buffer.from([0, 1]), text(filter), Buffer.from([0])]));
  }

  /** Sends `payload`, whose first 8 bytes become the time and the next 4 `number`. */
  publish(topic, payload, number = 0) {
    const head = Buffer.alloc(12);
    head.writeDoubleLE(now());
    head.writeUInt32LE(number, 8);
    this.#socket.cork();
    for (const part of parts(0x30, [text(topic), head, payload.subarray(12)])) this.#socket.write(part);
    this.#socket.uncork();
  }

  /** Sends what is in `payload`, one part after another. */
  say(topic, payload, { retain = false } = {}) {
    this.#socket.cork();
    for (const part of parts(retain ? 0x31 : 0x30, [text(topic), ...payload])) this.#socket.write(part);
    this.#socket.uncork();
  }

  close() {
    this.#socket.destroy();
  }

  async #ask(bytes) {
    const answer = new Promise((resolve) => (this.#answered = resolve));
    this.#socket.write(bytes);
    await answer;
  }

  #read(rate) {
    let [begin, taken] = [now(), 0];
    this.#socket.on('data', (chunk) => {
      this.#take(chunk);
      taken += chunk.length;
      const early = (taken / rate) * 1000 - (now() - begin);
      if (early > 1) {
        this.#socket.pause();
        setTimeout(() => this.#socket.resume(), early);
      } else if (early < -100) {
        // What was not taken in time is not made up for.
        [begin, taken] = [now(), 0];
      }
    });
  }

  #take(chunk) {
    for (let bytes = chunk; bytes.length > 0; ) {
      if (this.#skip > 0) {
        const some = Math.min(this.#skip, bytes.length);
        this.#skip -= some;
        bytes = bytes.subarray(some);
      } else {
        bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
        const used = this.#begin(bytes);
        this.#rest = used > 0 ? Buffer.alloc(0) : bytes;
        if (used === 0) return;
        bytes = bytes.subarray(used);
      }
      if (this.#skip === 0 && this.#message) {
        const { topic, head } = this.#message;
        this.#message = undefined;
        this.each(topic, head);
      }
    }
  }

  /** The beginning of a packet; gives how many bytes that took, 0 for too few. */
  #begin(bytes) {
    let [length, at] = [0, 1];
    for (let more = true; more; at++) {
      if (at >= bytes.length) return 0;
      length += (bytes[at] & 127) * 128 ** (at - 1);
      more = bytes[at] > 127;
    }
    if (bytes[0] >> 4 !== 3) {
      if (bytes.length < at + length) return 0;
      this.#answered();
      return at + length;
    }
    if (bytes.length < at + 2) return 0;
    const payload = at + 2 + bytes.readUInt16BE(at);
    if (bytes.length < payload + LOOK) return 0;
    this.#message = { topic: bytes.toString('utf8', at + 2, payload), head: Buffer.from(bytes.subarray(payload, payload + LOOK)) };
    this.#skip = at + length - payload - LOOK;
    return payload + LOOK;
  }
}

function text(string) {
  const bytes = Buffer.from(string);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

/** A packet as what is to be written, so that payloads are not copied. */
function parts(first, content) {
  const header = [first];
  let length = content.reduce((sum, part) => sum + part.length, 0);
  do {
    header.push((length & 127) | (length > 127 ? 128 : 0));
    length >>= 7;
  } while (length > 0);
  return [Buffer.from(header), ...content];
}

const packet = (first, content) => Buffer.concat(parts(first, content));
