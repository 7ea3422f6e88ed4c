// Other people's brokers, of which the tests start real ones.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Child } from './child.mjs';
import { freePort } from './port.mjs';
import { folder } from './scratch.mjs';
import { until } from './until.mjs';

/**
 * A Mosquitto on a port of the loopback, which is `port` of what it gives. `lines` are those of its
 * configuration beyond that.
 */
export async function mosquitto(lines, { port } = {}) {
  port ??= await freePort();
  const file = join(folder('mosquitto'), 'mosquitto.conf');
  // As root it becomes another user, who cannot read a folder of the tests.
  const first = [`listener ${port} 127.0.0.1`, 'user root', 'persistence false', 'log_type all'];
  writeFileSync(file, [...first, ...lines, ''].join('\n'));
  const broker = new Child('mosquitto', ['-c', file]).unref();
  await until('Mosquitto runs', () => {
    if (!broker.alive) throw new Error(broker.stderr);
    return /mosquitto version .* running/.test(broker.stderr);
  });
  return Object.assign(broker, { port });
}
