// A broker for tests that keeps every packet, and has the habits of other brokers on request.

import { once } from 'node:events';
import { createServer } from 'node:net';

import { generate, parser } from 'mqtt-packet';

/** Whether a filter matches a topic. */
export function matches(filter, topic) {
  const [wanted, levels] = [filter.split('/'), topic.split('/')];
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true;
    if (i >= levels.length || (level !== '+' && level !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}

/** The length of the packet at the start of `bytes`, or undefined while that is not told. */
function length(bytes) {
  let size = 0;
  for (let i = 1; i < Math.min(bytes.length, 5); i++) {
    size += (bytes[i] & 127) << (7 * (i - 1));
    if (bytes[i] < 128) return 1 + i + size;
  }
  return undefined;
}

export class RecordingBroker {
  #server;
  #retained = new Map();
  #clients = new Set();
  /** What came: `{client, packet}` in order; a packet `{cmd: 'close'}` is the end of a connection. */
  heard = [];

  /**
   * @param {object} habits
   * - `wildcards: false`: no retained message for a filter with a wildcard, as RabbitMQ
   * - `limit`: a larger packet ends the connection, as in Mosquitto; with `tells: false` it says so to nobody, also in MQTT 5
   * - `refuse(filter)`: whether a subscription is refused in the SUBACK
   * - `swallow(topic)`: whether a message is acknowledged and then goes nowhere
   */
  static async start(habits = {}) {
    const broker = new RecordingBroker();
    broker.habits = { wildcards: true, limit: Infinity, tells: true, refuse: () => false, swallow: () => false, ...habits };
    broker.#server = createServer((socket) => broker.#accept(socket)).listen(0, '127.0.0.1');
    await once(broker.#server, 'listening');
    broker.port = broker.#server.address().port;
    broker.#server.unref();
    return broker;
  }

  /** Its address as `vitrina` takes it. */
  get url() {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  #accept(socket) {
    const client = { socket, filters: new Map(), id: null, version: 4 };
    this.#clients.add(client);
    socket.unref().setNoDelay();
    const packets = parser();
    packets.on('packet', (packet) => {
      this.heard.push({ client: client.id ?? packet.clientId, packet });
      this.#take(client, packet);
    });
    packets.on('error', () => socket.destroy());
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let size; (size = length(rest)) !== undefined; rest = rest.subarray(size)) {
        if (size > this.habits.limit) return socket.resetAndDestroy();
        if (rest.length < size) return undefined;
        packets.parse(rest.subarray(0, size));
      }
      return undefined;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#clients.delete(client);
      this.heard.push({ client: client.id, packet: { cmd: 'close' } });
      if (client.will) this.#publish(client.will);
    });
  }

  #send(client, packet) {
    if (client.socket.writable) client.socket.write(generate(packet, { protocolVersion: client.version }));
  }

  #take(client, packet) {
    switch (packet.cmd) {
      case 'connect': {
        client.id = packet.clientId;
        client.version = packet.protocolVersion;
        client.will = packet.will;
        const properties = this.habits.tells && this.habits.limit < Infinity ? { maximumPacketSize: this.habits.limit } : {};
        this.#send(client, { cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false, properties });
        break;
      }
      case 'subscribe': {
        const asked = packet.subscriptions.map(({ topic, qos }) => ({ topic, qos, refused: this.habits.refuse(topic) }));
        this.#send(client, { cmd: 'suback', messageId: packet.messageId, granted: asked.map(({ qos, refused }) => (refused ? 128 : qos)) });
        for (const { topic: filter, qos } of asked.filter(({ refused }) => !refused)) {
          client.filters.set(filter, qos);
          if (!this.habits.wildcards && /[+#]/.test(filter)) continue;
          for (const [topic, payload] of this.#retained) {
            if (matches(filter, topic)) this.#send(client, { cmd: 'publish', topic, payload, qos: 0, retain: true });
          }
        }
        break;
      }
      case 'unsubscribe':
        for (const filter of packet.unsubscriptions) client.filters.delete(filter);
        this.#send(client, { cmd: 'unsuback', messageId: packet.messageId, granted: packet.unsubscriptions.map(() => 0) });
        break;
      case 'publish':
        if (packet.qos === 1) this.#send(client, { cmd: 'puback', messageId: packet.messageId });
        this.#publish(packet);
        break;
      case 'pingreq':
        this.#send(client, { cmd: 'pingresp' });
        break;
      case 'disconnect':
        client.will = null;
        client.socket.end();
        break;
    }
  }

  #publish({ topic, payload, retain }) {
    if (this.habits.swallow(topic)) return;
    if (retain) {
      if (payload.length) this.#retained.set(topic, payload);
      else this.#retained.delete(topic);
    }
    for (const client of this.#clients) {
      if ([...client.filters.keys()].some((filter) => matches(filter, topic))) {
        this.#send(client, { cmd: 'publish', topic, payload, qos: 0, retain: false });
      }
    }
  }

  /** The packets of the client whose id is, or begins with, `id`. */
  of(id) {
    return this.heard.filter(({ client }) => client === id || (id instanceof RegExp && id.test(client))).map(({ packet }) => packet);
  }

  /** What was published on a topic, as text. */
  said(topic) {
    return this.heard.filter(({ packet }) => packet.cmd === 'publish' && packet.topic === topic).map(({ packet }) => `${packet.payload}`);
  }

  /** Ends all connections, as a restart does. */
  drop() {
    for (const { socket } of this.#clients) socket.destroy();
  }

  /** Ends all connections and listens no more. */
  stop() {
    for (const { socket } of this.#clients) socket.destroy();
    this.#server.close();
  }
}
