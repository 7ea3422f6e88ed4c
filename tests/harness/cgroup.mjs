// A control group with a limit of memory, as systemd makes one for a unit
// (kernel: admin-guide/cgroup-v2, admin-guide/cgroup-v1/memory).

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { until } from './until.mjs';

const ROOT = '/sys/fs/cgroup';

export class MemoryGroup {
  /**
   * Makes one.
   * @param {number} most bytes
   * @param {number} high bytes beyond which the kernel slows its processes down
   */
  constructor(most, high) {
    const name = `vitrina-test-${process.pid}`;
    if (existsSync(join(ROOT, 'cgroup.controllers'))) {
      if (!readFileSync(join(ROOT, 'cgroup.controllers'), 'utf8').split(/\s/).includes('memory')) {
        throw new Error('the kernel has no memory controller');
      }
      writeFileSync(join(ROOT, 'cgroup.subtree_control'), '+memory');
      this.version = 2;
      this.folder = join(ROOT, name);
      mkdirSync(this.folder);
      writeFileSync(join(this.folder, 'memory.max'), String(most));
      writeFileSync(join(this.folder, 'memory.high'), String(high));
      if (existsSync(join(this.folder, 'memory.swap.max'))) writeFileSync(join(this.folder, 'memory.swap.max'), '0');
    } else {
      this.version = 1;
      this.folder = join(ROOT, 'memory', name);
      mkdirSync(this.folder);
      // The first version cannot slow down: what the program takes for its limit is the lower one.
      writeFileSync(join(this.folder, 'memory.limit_in_bytes'), String(high));
    }
  }

  /** Why there can be none here; null if there can. */
  static missing() {
    try {
      new MemoryGroup(64 << 20, 48 << 20).remove();
      return null;
    } catch (error) {
      return `no control group with a limit of memory can be made here: ${error.message}`;
    }
  }

  /** The command that runs another in it. */
  get under() {
    return ['sh', '-c', 'echo $$ > "$0" && exec "$@"', join(this.folder, 'cgroup.procs')];
  }

  #read(file) {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  /** How many processes the kernel has killed in it. */
  get killed() {
    const events = this.#read(this.version === 2 ? 'memory.events' : 'memory.oom_control');
    return Number(/^oom_kill (\d+)$/m.exec(events)[1]);
  }

  /** Bytes of memory that are not pages of files, which the kernel can take back. */
  get anonymous() {
    return Number((this.version === 2 ? /^anon (\d+)$/m : /^rss (\d+)$/m).exec(this.#read('memory.stat'))[1]);
  }

  remove() {
    rmdirSync(this.folder);
  }

  /** Removes it when its processes are gone. */
  async close() {
    await until('the group is empty', () => this.#read('cgroup.procs') === '', { limit: 10_000 });
    this.remove();
  }
}
