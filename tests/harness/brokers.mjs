// Other brokers, of which the tests start real ones.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child } from './child.mjs';
import { freePort } from './port.mjs';
import { folder } from './scratch.mjs';
import { until } from './until.mjs';

/**
 * A Mosquitto on a port of the loopback, which is `port` of what it gives. `lines` are those of its
 * configuration beyond that; with `data` it keeps in that folder what it retains.
 */
export async function mosquitto(lines, { port, data } = {}) {
  port ??= await freePort();
  const file = join(folder('mosquitto'), 'mosquitto.conf');
  // Each change is written at once, so that it is there after a kill.
  const keeps = data ? ['persistence true', `persistence_location ${data}/`, 'autosave_on_changes true', 'autosave_interval 1'] : ['persistence false'];
  // As root it becomes another user, who cannot read a folder of the tests.
  const first = [`listener ${port} 127.0.0.1`, 'user root', 'log_type all', ...keeps];
  writeFileSync(file, [...first, ...lines, ''].join('\n'));
  const broker = new Child('mosquitto', ['-c', file]).unref();
  await until('Mosquitto runs', () => {
    if (!broker.alive) throw new Error(broker.stderr);
    return /mosquitto version .* running/.test(broker.stderr);
  });
  return Object.assign(broker, { port });
}

const AEDES = fileURLToPath(new URL('aedes.mjs', import.meta.url));

/** An aedes on a port of the loopback, which is `port` of what it gives. */
export async function aedes({ port } = {}) {
  port ??= await freePort();
  const broker = new Child(process.execPath, [AEDES, `${port}`]).unref();
  await until('aedes runs', () => {
    if (!broker.alive) throw new Error(broker.stderr);
    return broker.stderr.includes('aedes runs');
  });
  return Object.assign(broker, { port });
}
