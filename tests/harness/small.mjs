// A small disk for one process: a file system in memory, mounted in a name space of its own, which
// needs no rights where the kernel lets users make name spaces.

import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { run } from './child.mjs';
import { folder } from './scratch.mjs';
import { Vitrina } from './vitrina.mjs';

const MOUNT = 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec setpriv --pdeathsig KILL -- "$@"';

/** The command that runs another with a disk of `bytes`, and `inodes`, at `at`. */
const on = (bytes, at, inodes = 0) => ['unshare', '-rm', 'sh', '-c', MOUNT, `size=${bytes},nr_inodes=${inodes}`, at];

export class SmallDisk {
  /**
   * Starts a process whose data are on a disk of `bytes`; with `inodes` inodes, if they are bounded.
   * Fails where none can be mounted.
   */
  static async under(command, bytes, { inodes, ...options } = {}) {
    const disk = new SmallDisk();
    const data = folder('data');
    const [program, ...args] = on(bytes, data, inodes);
    const { code, stderr } = await run(program, [...args, 'true']);
    if (code !== 0) throw new Error(`no small file system can be mounted here: ${stderr}`);
    disk.vitrina = await Vitrina.start(command, { ...options, data, under: on(bytes, data, inodes) });
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

  /** Fills it to the last byte. */
  fillAll() {
    const file = openSync(this.path('ballast'), 'a');
    try {
      for (let size = 1 << 20; size > 0; ) {
        try {
          writeSync(file, Buffer.alloc(size));
        } catch (error) {
          if (error.code !== 'ENOSPC') throw error;
          size >>= 1;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** Makes files until no inode is left. */
  fillInodes() {
    mkdirSync(this.path('ballast'));
    try {
      for (let n = 0; ; n++) writeFileSync(this.path('ballast', `${n}`), '');
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    }
  }

  /** Makes room again. */
  clear() {
    rmSync(this.path('ballast'), { recursive: true });
  }
}
