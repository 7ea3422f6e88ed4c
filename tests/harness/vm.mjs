// The guest with cameras (vm/rig), and `vitrina` in it.

import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { Child, run } from './child.mjs';
import { folder } from './scratch.mjs';
import { until } from './until.mjs';
import { BINARY } from './vitrina.mjs';

const RIG = fileURLToPath(new URL('../vm/rig/run', import.meta.url));

export class Guest {
  #rig;
  #folder;

  /**
   * Boots it; it ends with the test process.
   * @param {{uvc?: number, vivid?: number, forward?: number[], reboot?: boolean}} options numbers of
   *   cameras; ports of the guest that can be reached from here; whether a reboot is no end
   */
  static async boot({ uvc = 0, vivid = 0, forward = [], reboot = false } = {}) {
    const guest = new Guest();
    guest.#folder = join(folder('guest'), 'state');
    const forwards = forward.flatMap((port) => ['--forward', `0:${port}`]);
    const args = ['hold', guest.#folder, '--uvc', `${uvc}`, '--vivid', `${vivid}`, ...forwards, ...(reboot ? ['--allow-reboot'] : [])];
    guest.#rig = new Child(RIG, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const state = await Promise.race([
      new Promise((resolve) => createInterface(guest.#rig.stdout).once('line', resolve)),
      guest.#rig.gone.then(() => Promise.reject(new Error(`the guest did not start: ${guest.#rig.stderr}`))),
    ]);
    guest.#rig.unref();
    guest.forward = JSON.parse(state).forward;
    return guest;
  }

  /** The port of this side's loopback that reaches `port` in the guest. */
  port(port) {
    return this.forward[port];
  }

  /** Runs a shell script in it: `{code, output}`. */
  async try(script, { timeout = 120 } = {}) {
    const { code, stdout, stderr } = await run(RIG, ['exec', this.#folder, '--timeout', `${timeout}`, '--', script]);
    if (code === 125) throw new Error(`the guest failed: ${stderr}`);
    return { code, output: stdout };
  }

  /** The same, for a script that must succeed; gives its output. */
  async sh(script, options) {
    const { code, output } = await this.try(script, options);
    if (code !== 0) throw new Error(`in the guest: ${script}: ${code}: ${output}`);
    return output.trim();
  }

  /** Copies a file or folder into it. */
  async put(from, to) {
    const { code, stderr } = await run(RIG, ['put', this.#folder, `${from}:${to}`]);
    if (code !== 0) throw new Error(stderr);
  }

  /** Copies a file or folder of it into a folder on this side. */
  async get(from, to) {
    const { code, stderr } = await run(RIG, ['get', this.#folder, from, to]);
    if (code !== 0) throw new Error(stderr);
  }

  /** Tells a webcam to misbehave; the words are in vm/rig/README.md. */
  webcam(n, command) {
    return this.sh(`echo ${command} > /run/uvccam/${n}.ctl`);
  }

  /** Puts the program into it, without what only a debugger reads. */
  async install() {
    const stripped = join(folder('binary'), 'vitrina');
    const { code, stderr } = await run('objcopy', ['--strip-debug', BINARY, stripped]);
    if (code !== 0) throw new Error(stderr);
    await this.put(stripped, '/usr/local/bin/vitrina');
  }

  /** Cuts its power for a moment: what it has not synced to its disk is lost. */
  async cut() {
    const boot = 'cat /proc/sys/kernel/random/boot_id';
    const before = await this.sh(boot);
    // The command itself would not come back.
    await this.sh('(sleep 0.3; echo 1 > /proc/sys/kernel/sysrq; echo b > /proc/sysrq-trigger) > /dev/null 2>&1 &');
    await until('the guest is up again', async () => {
      const { code, output } = await this.try(boot, { timeout: 5 });
      return code === 0 && output.trim() !== before;
    }, { limit: 180_000, every: 500 });
  }

  /** Powers it off. */
  stop() {
    this.#rig.stdin.end();
    return this.#rig.stop();
  }
}

/** `vitrina` as a transient unit in the guest. */
export class GuestVitrina {
  /**
   * Starts it and waits until it is ready.
   * @param {Guest} guest
   * @param {string} name of the unit
   * @param {string} command as in a shell
   */
  static async start(guest, name, command, { limit = 60_000 } = {}) {
    const vitrina = Object.assign(new GuestVitrina(), { guest, name });
    await guest.sh(`systemd-run --quiet --unit=${name} -p StandardOutput=file:/run/${name}.out -p StandardError=file:/run/${name}.err \
      -E RUST_BACKTRACE=1 /usr/local/bin/vitrina ${command}`);
    await until(`${name} is ready`, async () => {
      const { code } = await guest.try(`grep -q ^ready /run/${name}.out`);
      if (code === 0) return true;
      throw new Error(await vitrina.stderr());
    }, { limit, every: 500 });
    return vitrina;
  }

  stderr() {
    return this.guest.sh(`cat /run/${this.name}.err`);
  }

  /** `{pid, threads, descriptors, rss}` of the process. */
  async figures() {
    const pid = await this.guest.sh(`systemctl show -P MainPID ${this.name}`);
    const [threads, descriptors, rss] = (await this.guest.sh(
      `ls /proc/${pid}/task | wc -l; ls /proc/${pid}/fd | wc -l; awk '/VmRSS/{print $2}' /proc/${pid}/status`,
    )).split('\n').map(Number);
    return { pid: Number(pid), threads, descriptors, rss: rss * 1024 };
  }

  stop() {
    return this.guest.try(`systemctl stop ${this.name}; rm -f /run/${this.name}.*; systemctl reset-failed ${this.name}`);
  }
}
