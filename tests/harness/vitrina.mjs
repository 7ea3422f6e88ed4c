// The program under test, as a real process.

import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

import { Child, run } from './child.mjs';
import { folder } from './scratch.mjs';

/** The binary: $VITRINA, else what `cargo build` makes. */
export const BINARY = resolve(
  process.env.VITRINA ?? fileURLToPath(new URL('../../target/debug/vitrina', import.meta.url)),
);

// The program reads VITRINA_*; a test says all that it means on the command line.
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('VITRINA')),
);

const PORT_0 = ['broker.listen=127.0.0.1:0', 'gallery.listen=127.0.0.1:0'];

export class Vitrina {
  #child;
  #arguments;

  /**
   * Starts it and waits for its `ready` line.
   * @param {string[]} command e.g. `['node']`; none for all parts
   * @param {{set?: string[], args?: string[], env?: object, data?: string, limit?: number, under?: string[]}} options
   *   `under`: a command that runs another, for it to run under
   */
  static async start(command = [], { set = [], args = [], env = {}, data = folder('data'), limit = 20_000, under = [] } = {}) {
    const vitrina = new Vitrina();
    vitrina.data = data;
    const sets = [...PORT_0, ...set].flatMap((pair) => ['--set', pair]);
    // By env(1), so that a library to preload is loaded into nothing else on the way.
    const variables = Object.entries({ RUST_BACKTRACE: '1', ...env }).map((pair) => pair.join('='));
    vitrina.#arguments = [...variables, ...under, BINARY, ...command, '--data', data, ...sets, ...args];
    await vitrina.#launch(limit);
    return vitrina;
  }

  async #launch(limit) {
    this.#child = new Child('env', this.#arguments, { env: ENVIRONMENT });
    const lines = createInterface(this.#child.stdout);
    /** Where the teacher of its class watches and switches, once that is told. */
    this.projector = new Promise((resolve) => lines.on('line', (line) => line.startsWith('The projector') && resolve(line.split(/\s+/).at(-1))));
    let timer;
    const ready = await Promise.race([
      new Promise((resolve) => lines.on('line', (line) => line.startsWith('ready') && resolve(line))),
      this.#child.gone.then(({ code, signal, error }) => {
        throw new Error(`${BINARY} ended (${error ?? signal ?? code}) before it was ready: ${this.#child.stderr}`);
      }),
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not ready in ${limit} ms: ${this.#child.stderr}`)), limit);
      }),
    ]).finally(() => clearTimeout(timer));
    this.#child.unref();
    const parts = ready.split(' ').slice(1).map((part) => part.split(/=(.*)/));
    /** Each address of its broker, by the scheme: `{mqtt: 'mqtt://…', wss: 'wss://…'}`. */
    this.brokers = Object.fromEntries(
      parts.filter(([part]) => part === 'broker').map(([, url]) => [url.split(':')[0], url]),
    );
    /** Each address of its wall, by the scheme: `{http: URL, https: URL}`. */
    this.walls = Object.fromEntries(
      parts.filter(([part]) => part === 'gallery').map(([, url]) => [url.split(':')[0], new URL(url)]),
    );
    /** Each address of its class, by what it is for: `{http: URL, tcp: URL, 'tcp-log': URL, 'tcp-turns': URL}`. */
    this.class = Object.fromEntries(
      parts.filter(([part]) => part === 'class').map(([, url]) => [url.split(':')[0], new URL(url)]),
    );
    /** The addresses of the parts that it runs: `{gallery: 'http://…', broker: 'mqtt://…'}`. */
    this.ready = Object.fromEntries(parts.reverse());
  }

  /** Where the wall is. */
  get wall() {
    return this.ready.gallery.replace(/\/?$/, '/');
  }

  /** The broker's port. */
  get port() {
    return Number(new URL(this.ready.broker).port);
  }

  get pid() {
    return this.#child.pid;
  }

  get alive() {
    return this.#child.alive;
  }

  get stderr() {
    return this.#child.stderr;
  }

  signal(name) {
    this.#child.signal(name);
  }

  /** A graceful end; gives `{code, signal}`. */
  stop() {
    return this.#child.stop();
  }

  /** An end like a power cut's. */
  kill() {
    return this.#child.kill();
  }

  /** Starts it again as it was, on the ports that it had. */
  async again({ limit = 20_000 } = {}) {
    const { broker, gallery } = this.ready;
    const address = (url) => new URL(url).host;
    if (broker) this.#arguments.push('--set', `broker.listen=${address(broker)}`);
    if (gallery) this.#arguments.push('--set', `gallery.listen=${address(gallery)}`);
    await this.#launch(limit);
  }
}

/** Runs a command of the program to its end: `{code, stdout, stderr}`. */
export function vitrina(args, { env = {}, data = folder('data') } = {}) {
  return run(BINARY, [...args, '--data', data], { env: { ...ENVIRONMENT, ...env } });
}
