// The brokers that are tried. `prepare()` gives of each
// - `start({port})`: a child process on a port of the loopback, each time with what it kept,
// - `url(port, user)`: its address for a client, without a user if left out,
// - `settings`: those of `[node]` and `[gallery]`, without their section,
// - `args`: those of Mosquitto's own clients.

import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { aedes, mosquitto } from '../harness/brokers.mjs';
import { run } from '../harness/child.mjs';
import { empty, rabbitmq, root } from '../harness/rabbitmq.mjs';
import { folder } from '../harness/scratch.mjs';

async function must(program, args) {
  const { code, stdout, stderr, error } = await run(program, args);
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout;
}

/** What each user needs, as docs/install.md says it. */
export const ACL = {
  pi: ['readwrite vitrina/pi/#', 'readwrite vitrina-jpeg/pi/#', 'read vitrina/gallery/+/status'],
  gallery: ['readwrite vitrina/#', 'readwrite vitrina-jpeg/#'],
};

/** A Mosquitto with the users `pi` and `gallery`, who may do what `acl` says. */
export async function guarded(acl = ACL, lines = []) {
  const at = folder('users');
  const [passwords, rules, password] = ['passwords', 'acl', 'password'].map((file) => join(at, file));
  for (const [i, user] of Object.keys(acl).entries()) await must('mosquitto_passwd', [...(i ? [] : ['-c']), '-b', passwords, user, 'secret']);
  writeFileSync(rules, Object.entries(acl).map(([user, topics]) => `user ${user}\n${topics.map((it) => `topic ${it}\n`).join('')}`).join('\n'));
  writeFileSync(password, 'secret\n');
  const data = folder('data');
  return {
    start: ({ port } = {}) => mosquitto([`password_file ${passwords}`, `acl_file ${rules}`, ...lines], { port, data }),
    url: (port, user) => `mqtt://${user}@127.0.0.1:${port}`,
    settings: [`password_file=${password}`],
    args: ['-u', 'gallery', '-P', 'secret'],
  };
}

/** A Mosquitto with a certificate that an authority signed. */
async function encrypted(settings) {
  const at = folder('tls');
  const file = (name) => join(at, name);
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n');
  const key = (name) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(`${name}.key`)];
  await must('openssl', ['req', '-x509', ...key('ca'), '-days', '2', '-subj', '/CN=authority', '-out', file('ca.pem')]);
  await must('openssl', ['req', ...key('broker'), '-subj', '/CN=127.0.0.1', '-out', file('broker.csr')]);
  await must('openssl', [
    'x509', '-req', '-in', file('broker.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2',
    '-extfile', file('names'), '-out', file('broker.pem'),
  ]);
  const [, fingerprint] = (await must('openssl', ['x509', '-noout', '-fingerprint', '-sha256', '-in', file('broker.pem')])).trim().split('=');
  const data = folder('data');
  return {
    start: ({ port }) => mosquitto(['allow_anonymous true', `certfile ${file('broker.pem')}`, `keyfile ${file('broker.key')}`], { port, data }),
    url: (port) => `mqtts://127.0.0.1:${port}`,
    settings: settings({ ca: file('ca.pem'), fingerprint }),
    args: ['--cafile', file('ca.pem')],
  };
}

const plain = async () => {
  const data = folder('data');
  return { start: ({ port }) => mosquitto(['allow_anonymous true'], { port, data }) };
};

export const MOSQUITTO = [
  { name: 'Mosquitto', prepare: plain },
  { name: 'Mosquitto with users and an ACL', prepare: () => guarded() },
  { name: 'Mosquitto over TLS, known by an authority', prepare: () => encrypted(({ ca }) => [`ca_file=${ca}`]) },
  { name: 'Mosquitto over TLS, known by its fingerprint', prepare: () => encrypted(({ fingerprint }) => [`fingerprint=${fingerprint}`]) },
];

/** RabbitMQ of a release of Debian. */
const rabbit = (suite) => async () => {
  const at = await root(suite);
  empty(at);
  return { start: ({ port }) => rabbitmq(at, [], { port }) };
};

export const OTHERS = [
  { name: 'aedes', prepare: async () => ({ start: aedes }) },
  { name: 'RabbitMQ 3 of Debian 12', prepare: rabbit('bookworm') },
  { name: 'RabbitMQ 4 of Debian 13', prepare: rabbit('trixie') },
];
