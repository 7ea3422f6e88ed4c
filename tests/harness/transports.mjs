// A broker that several transports lead to, with a certificate and with users.

import { strict as assert } from 'node:assert';
import { join } from 'node:path';

import { run } from './child.mjs';
import { folder } from './scratch.mjs';
import { until } from './until.mjs';
import { Vitrina, vitrina } from './vitrina.mjs';

/** A certificate for 127.0.0.1 that signed itself: the files `{certificate, key}`. */
export async function certificate() {
  const where = folder('tls');
  const files = { certificate: join(where, 'certificate.pem'), key: join(where, 'key.pem') };
  const made = await run('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1',
    '-keyout', files.key, '-out', files.certificate,
  ]);
  assert.equal(made.code, 0, made.stderr);
  return files;
}

/** A broker for `transports` (`tls`, `ws`, `wss`) beside TCP: its `brokers` are by scheme. */
export async function openBroker(transports, { set = [] } = {}) {
  const files = await certificate();
  const listener = (transport) => {
    const tls = transport === 'ws' ? '' : `, certificate="${files.certificate}", key="${files.key}"`;
    return `{address="127.0.0.1:0", transport="${transport}"${tls}}`;
  };
  const listeners = `broker.listener=[${transports.map(listener).join(', ')}]`;
  const broker = await Vitrina.start(['broker'], { set: [listeners, ...set] });
  return Object.assign(broker, files);
}

/** Adds a user to a broker, waits until the broker knows, and gives the password. */
export async function user(broker, name, role) {
  const changes = () => broker.stderr.split('read the changed users').length;
  const before = changes();
  const made = await vitrina(['user', 'add', name, '--role', role], { data: broker.data });
  assert.equal(made.code, 0, made.stderr);
  // The broker disconnects clients that came in without a password until now.
  await until('the broker knows of the user', () => changes() > before);
  return /the password of \S+ is (\S+)/.exec(made.stdout)[1];
}
