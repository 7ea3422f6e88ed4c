// A small disk for one process, which needs no rights: a file system in memory that is mounted in a
// name space of its own.

import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from './child.mjs';
import { folder } from './scratch.mjs';
import { Vitrina } from './vitrina.mjs';

const MOUNT = 'mount -t tmpfs -o size=$0 tmpfs "$1" && shift && exec setpriv --pdeathsig KILL -- "$@"';

/** The command that runs another with a disk of `bytes` at `at`. */
const on = (bytes, at) => ['unshare', '-rm', 'sh', '-c', MOUNT, `${bytes}`, at];

export class SmallDisk {
  /** Why there can be none on this machine; false if there can. */
  static async missing() {
    const [program, ...args] = on(1e6, folder('disk'));
    const { code, stderr } = await run(program, [...args, 'true']);
    return code !== 0 && `no small file system can be mounted here: ${stderr}`;
  }

  /** Starts a process whose data are on a disk of `bytes`. */
  static async under(command, bytes, options = {}) {
    const disk = new SmallDisk();
    const data = folder('data');
    disk.vitrina = await Vitrina.start(command, { ...options, data, under: on(bytes, data) });
    return disk;
  }

  /** A path on the disk, as it is seen from outside. */
  path(...names) {
    return join('/proc', `${this.vitrina.pid}`, 'root', this.vitrina.data, ...names);
  }

  /** Fills it, so that `bytes` are left. */
  fill(bytes) {
    const { bavail, bsize } = statfsSync(this.path());
    writeFileSync(this.path('ballast'), Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
  }

  /** Makes room again. */
  clear() {
    rmSync(this.path('ballast'));
  }
}
