// The cameras of preload/v4l2cam.c, for a program that runs on this machine.

import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

import { folder } from './scratch.mjs';

const SOURCE = fileURLToPath(new URL('../preload/v4l2cam.c', import.meta.url));
let library;

/** The environment that gives a program cameras, and a way to command them. */
export class Cameras {
  /**
   * @param {number} count
   * @param {{frames: Buffer[], format: string, commands: string[], environment: object}} given
   * `frames` that the camera gives instead of its own pictures, and as what `format`; `commands`
   * that are given before the first camera is opened; more variables of the `environment`; see
   * preload/README.md
   */
  constructor(count = 1, { frames = [], format, commands = [], environment = {} } = {}) {
    library ??= compile(['-shared', '-fPIC', '-fno-delete-null-pointer-checks'], 'v4l2cam.so');
    const state = folder('cameras');
    this.control = join(state, 'ctl');
    mkdirSync(join(state, 'root'));
    this.env = {
      LD_PRELOAD: library,
      V4L2CAM_COUNT: `${count}`,
      V4L2CAM_CTL: this.control,
      V4L2CAM_ROOT: join(state, 'root'),
      V4L2CAM_INIT: commands.join(';'),
      ...environment,
    };
    if (format) {
      const given = join(state, 'frames');
      mkdirSync(given);
      frames.forEach((frame, i) => writeFileSync(join(given, `${i}`.padStart(4, '0')), frame));
      Object.assign(this.env, { V4L2CAM_FRAMES: given, V4L2CAM_FORMAT: format });
    }
  }

  /** Gives a command; preload/README.md lists them. */
  command(line) {
    // Does not wait for a reader, because that would be for ever if the program is gone.
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
