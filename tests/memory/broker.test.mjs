// Clients that read nothing, and clients that flood: the broker's memory stays within what
// `broker.memory` promises, and others are served meanwhile.

import { strict as assert } from 'node:assert';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';

import { generate, parser } from 'mqtt-packet';

import { highest } from '../harness/process.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const MIB = 1 << 20;
const MEMORY = 64 * MIB;
/**
 * What the process may have beyond what it has when nobody is there: messages; packets that are not
 * whole, a quarter of it; and what the allocator keeps between them, stacks, and a few KiB a client.
 */
const MOST = MEMORY + MEMORY / 4 + 64 * MIB;

/** A client that speaks bytes. */
class Client {
  /** What came: all packets, unless it reads nothing. */
  packets = [];
  /** Bytes that its socket took. */
  written = 0;

  static async connect(port, clientId, { from = '127.0.0.1', keepalive = 0 } = {}) {
    const client = new Client();
    client.socket = connect({ port, host: '127.0.0.1', localAddress: from }).unref().on('error', () => {});
    await once(client.socket, 'connect');
    const packets = parser();
    packets.on('packet', (packet) => client.packets.push(packet));
    client.socket.on('data', (chunk) => packets.parse(chunk));
    client.say({ cmd: 'connect', clientId, keepalive, clean: true });
    await until('it is let in', () => client.packets.some(({ cmd }) => cmd === 'connack'));
    return client;
  }

  say(packet) {
    return this.socket.write(generate(packet));
  }

  async subscribe(...topics) {
    this.say({ cmd: 'subscribe', messageId: 1, subscriptions: topics });
    await until('it is subscribed', () => this.packets.some(({ cmd }) => cmd === 'suback'));
  }

  /** Sends these bytes again and again, as fast as they are taken, until `stop()` or its end. */
  flood(bytes) {
    let goes = true;
    const more = () => {
      while (goes && !this.socket.destroyed) {
        this.written += bytes.length;
        if (!this.socket.write(bytes)) return this.socket.once('drain', more);
      }
      return undefined;
    };
    more();
    this.stop = () => (goes = false);
  }
}

/** Two that exchange words of QoS 1 while others do what they want; gives how many came back. */
async function pair(port) {
  const [speaker, listener] = [await Client.connect(port, 'speaker'), await Client.connect(port, 'listener')];
  await listener.subscribe({ topic: 'words', qos: 1 });
  const heard = () => listener.packets.filter(({ cmd }) => cmd === 'publish').length;
  let said = 0;
  return async (count) => {
    for (const end = said + count; said < end; ) {
      said += 1;
      speaker.say({ cmd: 'publish', topic: 'words', qos: 1, messageId: said, payload: `${said}` });
      await until(`word ${said} is heard`, () => heard() === said, { limit: 20_000, every: 5 });
      listener.say({ cmd: 'puback', messageId: listener.packets.at(-1).messageId });
    }
  };
}

async function quiet(t) {
  const broker = await Vitrina.start(['broker'], { set: ['broker.memory="64 MiB"'] });
  t.after(() => broker.kill());
  const exchange = await pair(broker.port);
  await exchange(10);
  const before = highest(broker.pid);
  const check = () => {
    const grown = highest(broker.pid) - before;
    t.diagnostic(`${Math.round(grown / MIB)} MiB more than ${Math.round(before / MIB)}, of ${MOST / MIB}`);
    assert.ok(broker.alive);
    assert.ok(grown < MOST, `${grown} bytes`);
  };
  return { broker, exchange, check };
}

/** A stranger of a few machines. */
const stranger = (port, n) => Client.connect(port, `stranger-${n}`, { from: `127.0.0.${2 + (n % 8)}` });

test('60 clients that read nothing while frames flow', { timeout: 180_000 }, async (t) => {
  const { broker, exchange, check } = await quiet(t);
  const clients = [];
  for (let n = 0; n < 60; n++) {
    const client = await stranger(broker.port, n);
    // Some take what may be left out, some what may not, of all cameras and of one each.
    await client.subscribe({ topic: n % 2 ? 'frames/+' : `frames/${n}`, qos: n % 3 ? 1 : 0 });
    client.socket.pause();
    clients.push(client);
  }
  const reader = await Client.connect(broker.port, 'reader');
  await reader.subscribe({ topic: 'frames/0', qos: 0 });
  const camera = await Client.connect(broker.port, 'camera');
  const taken = () => camera.packets.filter(({ cmd }) => cmd === 'puback').length;
  const payload = Buffer.alloc(300_000);
  for (let round = 1; round <= 30; round++) {
    for (let n = 0; n < 60; n++) camera.say({ cmd: 'publish', topic: `frames/${n}`, qos: 1, messageId: n + 1, payload });
    await until(`the broker has taken round ${round}`, () => taken() === 60 * round, { limit: 60_000 });
    await exchange(2);
  }
  await until('who reads has frames', () => reader.packets.filter(({ cmd }) => cmd === 'publish').length > 10);
  check();
  for (const { socket } of clients) socket.destroy();
  await exchange(10);
});

test('200 clients that flood, half of them with packets that never end', { timeout: 180_000 }, async (t) => {
  const { broker, exchange, check } = await quiet(t);
  const lazy = await stranger(broker.port, 1000);
  await lazy.subscribe({ topic: 'flood/#', qos: 1 });
  lazy.socket.pause();
  const clients = [];
  for (let n = 0; n < 200; n++) clients.push(await stranger(broker.port, n));
  const piece = Buffer.alloc(64 * 1024);
  for (const [n, client] of clients.entries()) {
    if (n % 2) {
      // The head of a packet of 8 MiB, and half of what it announces.
      client.socket.write(Buffer.concat([Buffer.from([0x30, 0x80, 0x80, 0x80, 0x04, 0, 1, 0x61]), Buffer.alloc(4 * MIB)]));
    } else {
      client.flood(generate({ cmd: 'publish', topic: `flood/${n}`, qos: 0, retain: n % 4 === 0, payload: piece }));
    }
  }
  const written = () => clients.reduce((sum, { written: bytes }) => sum + bytes, 0);
  await until('much has been sent', async () => {
    await exchange(1);
    return written() > 512 * MIB;
  }, { limit: 60_000 });
  await exchange(20);
  check();
  for (const { socket, stop } of clients) {
    stop?.();
    socket.destroy();
  }
  await exchange(10);
});
