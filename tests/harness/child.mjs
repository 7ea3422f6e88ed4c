// A child process that cannot outlive the test process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

const running = new Set();

// `exit` handlers run on every way out but SIGKILL, and for that there is the death signal below.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
  process.once(signal, () => process.exit(status));
}

export class Child {
  #process;
  /** What it has written to standard error so far. */
  stderr = '';

  /**
   * Starts a program.
   * @param {string} program
   * @param {string[]} args
   * @param {{env?: object, stdio?: any[], cwd?: string}} options
   */
  constructor(program, args, { env = process.env, stdio = ['ignore', 'pipe', 'pipe'], cwd } = {}) {
    // setpriv has the kernel kill the program when the test process dies, and replaces itself by it.
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], { env, stdio, cwd });
    running.add(this.#process);
    this.program = program;
    this.gone = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve({ code: null, error }));
      this.#process.once('exit', (code, signal) => resolve({ code, signal }));
    }).finally(() => running.delete(this.#process));
    this.#process.stderr?.setEncoding('utf8').on('data', (text) => (this.stderr += text));
  }

  get pid() {
    return this.#process.pid;
  }

  get stdin() {
    return this.#process.stdin;
  }

  get stdout() {
    return this.#process.stdout;
  }

  /** All its streams by descriptor. */
  get stdio() {
    return this.#process.stdio;
  }

  get alive() {
    return running.has(this.#process);
  }

  signal(name) {
    return this.#process.kill(name);
  }

  /** Lets the test process end although this runs, so that a test that failed does not hang. */
  unref() {
    for (const it of [this.#process, ...this.#process.stdio]) it?.unref?.();
    return this;
  }

  /** Ends it at once and waits until it is gone. */
  async kill() {
    this.#process.ref();
    this.signal('SIGKILL');
    return this.gone;
  }

  /** Asks it to end, and waits; at once after `limit` ms. */
  async stop(limit = 10_000) {
    this.#process.ref();
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), limit);
    const end = await this.gone;
    clearTimeout(timer);
    return end;
  }
}

/** Runs a program to its end: `{code, signal, stdout, stderr}`. */
export async function run(program, args, options = {}) {
  const child = new Child(program, args, options);
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text));
  const closed = child.stdout ? once(child.stdout, 'close') : Promise.resolve();
  const end = await child.gone;
  if (!end.error) await closed;
  return { ...end, stdout, stderr: child.stderr };
}
