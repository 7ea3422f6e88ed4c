// Viewers that cost little: of each frame they look at the beginning, and count the rest.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

import { now } from './client.mjs';

/** How many bytes of a frame are looked at. */
const LOOK = 160;

/** A connection that is read at a rate, message by message. What a message is, a subclass says. */
class Reader {
  #rest = Buffer.alloc(0);
  #skip = 0;
  #head;
  #rate;
  /** Bytes received. */
  bytes = 0;

  /**
   * `each` gets of each frame the age in ms, the tile and the number, `rate` is how many bytes a
   * second are taken.
   * @param {{each?: (age: number, tile: number, seq?: number) => void, rate?: number}} options
   */
  constructor(port, { each = () => {}, rate = Infinity } = {}) {
    this.each = each;
    this.#rate = rate;
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {});
  }

  /** Sends a request and reads on after the answer's head. */
  async request(lines) {
    await once(this.socket, 'connect');
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    let answer = Buffer.alloc(0);
    while (!answer.includes('\r\n\r\n')) answer = Buffer.concat([answer, (await once(this.socket, 'data'))[0]]);
    this.#read();
    this.#take(answer.subarray(answer.indexOf('\r\n\r\n') + 4));
  }

  stall() {
    this.socket.pause();
  }

  resume() {
    this.socket.resume();
  }

  close() {
    this.socket.destroy();
  }

  #read() {
    if (this.#rate === Infinity) return this.socket.on('data', (chunk) => this.#take(chunk));
    // A chunk is there when a link of this rate would have brought it, not before: else the answers
    // to the first frames would tell of a fast one.
    let free = now();
    this.socket.on('data', (chunk) => {
      this.socket.pause();
      free = Math.max(free, now()) + (chunk.length / this.#rate) * 1000;
      setTimeout(() => {
        this.#take(chunk);
        this.socket.resume();
      }, free - now());
    });
  }

  #take(chunk) {
    this.bytes += chunk.length;
    for (let bytes = chunk; bytes.length > 0; ) {
      if (this.#skip > 0) {
        const some = Math.min(this.#skip, bytes.length);
        this.#skip -= some;
        bytes = bytes.subarray(some);
      } else {
        bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
        const begun = this.begin(bytes);
        this.#rest = begun ? Buffer.alloc(0) : bytes;
        if (!begun) return;
        this.#head = begun.head;
        this.#skip = begun.length - Math.min(begun.length, bytes.length);
        bytes = bytes.subarray(Math.min(begun.length, bytes.length));
      }
      if (this.#skip === 0 && this.#head) {
        const head = this.#head;
        this.#head = undefined;
        this.end(head);
      }
    }
  }
}

const UPGRADE = (port, path) => [
  `GET ${path} HTTP/1.1`,
  `Host: 127.0.0.1:${port}`,
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
];

/** A page of ours, with its answers; or a client of a plain relay, whose messages begin with a time. */
export class WebSocketWatcher extends Reader {
  #ours;
  #serials = [];
  #timer;

  static async ours(port, cameras, { width = 4000, fps = 60, ...options } = {}) {
    const watcher = new WebSocketWatcher(port, options);
    watcher.#ours = true;
    await watcher.request(UPGRADE(port, '/ws'));
    const tiles = cameras.map((camera, tile) => ({ tile, camera, width, fps }));
    watcher.#send(1, Buffer.from(JSON.stringify({ type: 'watch', tiles })));
    return watcher;
  }

  static async relay(port, { path = '/', ...options }) {
    const watcher = new this(port, options);
    watcher.#ours = false;
    await watcher.request(UPGRADE(port, path));
    return watcher;
  }

  #send(opcode, payload) {
    const long = payload.length > 125;
    const head = Buffer.from([0x80 | opcode, 0x80 | (long ? 126 : payload.length)]);
    const length = Buffer.from([payload.length >> 8, payload.length & 255]);
    // A mask of zeros leaves the payload as it is.
    this.socket.write(Buffer.concat([head, ...(long ? [length] : []), Buffer.alloc(4), payload]));
  }

  /** As the page does (`gallery/web/src/net/connection/answers.ts`). */
  #answer(serial, mayWait) {
    this.#serials.push(serial);
    if (!mayWait || this.#serials.length === 3) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), 100);
  }

  #tell() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#send(2, Buffer.concat(this.#serials.splice(0)));
  }

  begin(bytes) {
    if (bytes.length < 2) return null;
    const short = bytes[1] & 127;
    const at = { 126: 4, 127: 10 }[short] ?? 2;
    if (bytes.length < at) return null;
    const length = { 126: () => bytes.readUInt16BE(2), 127: () => Number(bytes.readBigUInt64BE(2)) }[short]?.() ?? short;
    if (bytes.length < at + Math.min(length, LOOK)) return null;
    return { length: at + length, head: { opcode: bytes[0] & 15, data: Buffer.from(bytes.subarray(at, at + Math.min(length, LOOK))) } };
  }

  end({ opcode, data }) {
    if (opcode === 9) this.#send(10, data);
    if (opcode !== 2) return;
    if (this.#ours) {
      this.each(now() - data.readDoubleLE(12), data.readUInt16LE(4), data.readUInt32LE(8));
      this.#answer(data.subarray(0, 4), (data[6] & 2) !== 0);
    } else {
      this.each(now() - data.readDoubleLE(0), data.readUInt16LE(8));
    }
  }
}

/** A client of µStreamer's `/stream`; the test camera's own comment tells when a frame was captured. */
export class StreamWatcher extends Reader {
  static async open(port, options) {
    const watcher = new StreamWatcher(port, options);
    await watcher.request(['GET /stream HTTP/1.0', `Host: 127.0.0.1:${port}`]);
    return watcher;
  }

  begin(bytes) {
    const text = bytes.toString('latin1', 0, 1024);
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const length = Number(/Content-Length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (bytes.length < end + 4 + Math.min(length, LOOK)) return null;
    return { length: end + 4 + length, head: bytes.toString('latin1', end + 4, end + 4 + LOOK) };
  }

  end(head) {
    const captured = Number(/mono_ns=(\d+)/.exec(head)?.[1]) / 1e6;
    if (captured) this.each(Number(process.hrtime.bigint()) / 1e6 - captured, 0);
  }
}
