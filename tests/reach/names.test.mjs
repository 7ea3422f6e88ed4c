// By which names browsers may call the wall and the broker.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { apart, within } from '../harness/namespace.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

/** Each name as the Host of a page and of a WebSocket of its own: `{name: [wall, broker]}`, statuses. */
const ASK = `
const [wall, broker, ...names] = process.argv.slice(1);
const status = (port, path, headers) => new Promise((resolve) => {
  const request = require('node:http').get({ host: '127.0.0.1', port, path, headers });
  request.on('response', (response) => { resolve(response.statusCode); response.resume(); });
  request.on('upgrade', (response, socket) => { resolve(response.statusCode); socket.destroy(); });
  request.on('error', (error) => resolve(error.code));
});
const websocket = (host) => ({
  host, origin: 'http://' + host, connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': 'mqtt',
});
Promise.all(names.map(async (name) => [name, [
  await status(wall, '/', { host: name + ':' + wall }),
  await status(wall, '/ws', websocket(name + ':' + wall)),
  await status(broker, '/mqtt', websocket(name + ':' + broker)),
]])).then((all) => console.log(JSON.stringify(Object.fromEntries(all))));
`;

const GOOD = [
  'localhost', 'pi', 'PI.lan', 'pi.local', 'pi.home', 'pi.home.arpa', 'pi.fritz.box', 'pi.localdomain', 'pi.internal',
  'pi.tail1234.ts.net', 'pi.house.example', 'vitrina',
];
const BAD = ['evil.example', 'evil.lan', 'pi.evil.example', 'pi.lan.evil.example', 'pi.dev', 'localhost.evil.example'];

test("this machine's name is good in the domains that homes have and that it was given; a stranger's is not", async (t) => {
  const etc = folder('etc');
  writeFileSync(join(etc, 'resolv.conf'), 'nameserver 192.0.2.1\nsearch tail1234.ts.net dev\n');
  writeFileSync(join(etc, 'hosts'), '127.0.0.1 localhost\n127.0.1.1 pi.house.example pi\n');
  const named = ['resolv.conf', 'hosts'].map((file) => `mount --bind ${join(etc, file)} "$(readlink -f /etc/${file})"`);
  const vitrina = await Vitrina.start([], {
    set: ['node.name=here', 'broker.listener=[{address="127.0.0.1:0", transport="ws"}]'],
    under: apart([], ['hostname pi', ...named].join('; ')),
  });
  t.after(() => vitrina.stop());
  const ports = [new URL(vitrina.wall).port, new URL(vitrina.brokers.ws).port];
  const answers = await within(vitrina.pid, ASK, ...ports, ...GOOD, ...BAD);
  for (const name of GOOD) assert.deepEqual(answers[name], [200, 101, 101], name);
  for (const name of BAD) assert.deepEqual(answers[name], [403, 403, 403], name);
  await until('the log names both keys', () => ['gallery.hosts', 'broker.origins'].every((key) => vitrina.stderr.includes(key)));
  assert.equal(vitrina.stderr.split('gallery.hosts').length - 1, 1, vitrina.stderr);
});
