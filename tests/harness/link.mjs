// A TCP link that can be cut, as when a cable is pulled, or freeze, as an overloaded network does.

import { connect, createServer } from 'node:net';
import { once } from 'node:events';

export class Link {
  #server;
  #pairs = new Set();
  #up = true;
  #frozen = false;

  /** Forwards connections to `port` of the loopback. */
  static async to(port) {
    const link = new Link();
    link.#server = createServer((near) => link.#join(near, port)).listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    link.#server.unref();
    /** Where it is entered. */
    link.port = link.#server.address().port;
    return link;
  }

  #join(near, port) {
    if (!this.#up) return near.destroy();
    const far = connect(port, '127.0.0.1');
    const pair = [near, far];
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end).unref();
    if (!this.#frozen) near.pipe(far).pipe(near);
  }

  /** From now on nothing passes and no end notices, including new connections; nothing is lost. */
  freeze() {
    this.#frozen = true;
    for (const [near, far] of this.#pairs) {
      near.unpipe(far);
      far.unpipe(near);
      near.pause();
      far.pause();
    }
  }

  /** Everything that waited passes. */
  thaw() {
    this.#frozen = false;
    for (const [near, far] of this.#pairs) near.pipe(far).pipe(near);
  }

  /** Nothing comes back any more, while everything sent arrives. */
  deafen() {
    for (const [near, far] of this.#pairs) {
      far.unpipe(near);
      far.pause();
    }
  }

  /** All connections are closed, and nobody can connect. */
  cut() {
    this.plug();
    this.#up = false;
  }

  /** From now on nothing passes and no end notices: as when a cable is pulled. */
  pull() {
    this.#up = false;
    for (const [near, far] of this.#pairs) {
      near.unpipe(far);
      far.unpipe(near);
      near.pause();
      far.pause();
    }
  }

  /** It works again; what was in transit is lost. */
  plug() {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    this.#up = true;
    this.#frozen = false;
  }

  close() {
    this.plug();
    this.#server.close();
  }
}
