// A viewer of the wall that speaks its WebSocket (RFC 6455) byte by byte, so that it can
// misbehave as no browser would.

import { connect } from 'node:net';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';

const TEXT = 1;
const BINARY = 2;
const PING = 9;
const PONG = 10;

export class Viewer {
  #socket;
  #rest = Buffer.alloc(0);
  /** Frames received so far. */
  frames = 0;
  /** The JSON messages received so far. */
  said = [];

  /**
   * Connects and waits for the answer to the handshake; `status` is its HTTP status.
   * @param {string} wall the gallery's URL
   * @param {{origin?: string, host?: string, from?: string, path?: string}} options `from`: the
   *   address of this machine that it comes from
   */
  static async connect(wall, { origin, host, from, path = '/ws' } = {}) {
    const { hostname, port } = new URL(wall);
    const viewer = new this();
    const socket = (viewer.#socket = connect({ port: Number(port), host: hostname, localAddress: from }).on('error', () => {}));
    await once(socket, 'connect');
    const head = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host ?? `${hostname}:${port}`}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ];
    if (origin) head.push(`Origin: ${origin}`);
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    let answer = Buffer.alloc(0);
    while (!answer.includes('\r\n\r\n')) {
      const [chunk] = await once(socket, 'data');
      answer = Buffer.concat([answer, chunk]);
    }
    viewer.status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString('latin1'))[1]);
    viewer.#rest = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
    socket.on('data', (chunk) => viewer.#receive(chunk));
    return viewer;
  }

  /** Says what it wants to see: one tile of a camera. */
  watch(camera, { width = 1280, fps = 30 } = {}) {
    this.say({ type: 'watch', tiles: [{ tile: 1, camera, width, fps }] });
  }

  /** Says something that is JSON. */
  say(message) {
    this.#send(TEXT, Buffer.from(JSON.stringify(message)));
  }

  /** Takes a JSON message. */
  hear(message) {
    this.said.push(message);
  }

  /** Says that a frame was drawn, whether it came or not. */
  ack(serial) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(serial);
    this.#send(BINARY, bytes);
  }

  /** Takes nothing from its socket any more. */
  stopReading() {
    this.#socket.pause();
  }

  /** Whether the server has not closed the connection. */
  get open() {
    return !this.#socket.destroyed && !this.#socket.readableEnded;
  }

  close() {
    this.#socket.destroy();
  }

  #send(opcode, payload) {
    if (payload.length > 65_535) throw new Error('longer than a test needs');
    const long = payload.length > 125;
    const head = Buffer.from([0x80 | opcode, 0x80 | (long ? 126 : payload.length)]);
    const length = Buffer.from([payload.length >> 8, payload.length & 255]);
    // A mask of zeros leaves the payload as it is.
    this.#socket.write(Buffer.concat([head, ...(long ? [length] : []), Buffer.alloc(4), payload]));
  }

  #receive(chunk) {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const bytes = this.#rest;
      if (bytes.length < 2) return;
      const short = bytes[1] & 127;
      const head = { 126: 4, 127: 10 }[short] ?? 2;
      if (bytes.length < head) return;
      const length = { 126: () => bytes.readUInt16BE(2), 127: () => Number(bytes.readBigUInt64BE(2)) }[short]?.() ?? short;
      if (bytes.length < head + length) return;
      const payload = bytes.subarray(head, head + length);
      this.#rest = bytes.subarray(head + length);
      if ((bytes[0] & 15) === TEXT) this.hear(JSON.parse(payload.toString()));
      if ((bytes[0] & 15) === PING) this.#send(PONG, payload);
      if ((bytes[0] & 15) === BINARY) {
        this.frames += 1;
        this.ack(payload.readUInt32LE(0));
      }
    }
  }
}
