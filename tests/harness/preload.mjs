// The cameras of preload/v4l2cam.c, for a program that runs on this machine.

import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

import { folder } from './scratch.mjs';

const SOURCE = fileURLToPath(new URL('../preload/v4l2cam.c', import.meta.url));
let library;

/** The environment that gives a program cameras, and a way to command them. */
export class Cameras {
  /**
   * @param {number} count
   * @param {object} environment more of the variables in preload/README.md
   */
  constructor(count = 1, environment = {}) {
    library ??= compile(['-shared', '-fPIC', '-fno-delete-null-pointer-checks'], 'v4l2cam.so');
    const state = folder('cameras');
    this.control = join(state, 'ctl');
    mkdirSync(join(state, 'root'));
    this.env = {
      LD_PRELOAD: library,
      V4L2CAM_COUNT: `${count}`,
      V4L2CAM_CTL: this.control,
      V4L2CAM_ROOT: join(state, 'root'),
      ...environment,
    };
  }

  /** Gives a command; preload/README.md lists them. */
  command(line) {
    // Without waiting for a reader, which would be for ever if the program is gone.
    const fifo = openSync(this.control, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fifo, `${line}\n`);
    closeSync(fifo);
  }
}

/** The pictures that the camera shows, in their order, at one size. */
export function pictures(size) {
  const out = folder('pictures');
  execFileSync(compile(['-DV4L2CAM_RENDER'], 'render'), [out]);
  const names = readdirSync(out).filter((name) => name.startsWith(`${size}-`));
  return names.sort().map((name) => readFileSync(join(out, name)));
}

function compile(flags, name) {
  const out = join(folder('build'), name);
  execFileSync('cc', ['-O3', ...flags, '-o', out, SOURCE, '-lpthread', '-ldl', '-lm'], { stdio: 'inherit' });
  return out;
}
