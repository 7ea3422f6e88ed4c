// From which networks the broker and the gallery are reached.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';

import { apart, within } from '../harness/namespace.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const HOME = '192.168.77.1';
const TAILSCALE = '100.101.102.103';
const TAILSCALE_V6 = 'fd7a:115c:a1e0::7';
const PUBLIC = '203.0.113.7';
const PUBLIC_V6 = '2001:db8:1::7';
const ALL = [HOME, TAILSCALE, TAILSCALE_V6, PUBLIC, PUBLIC_V6];

/** From each address to itself: `{ip: {status, body, connack}}`. */
const ASK = `
const [http, mqtt, ...ips] = process.argv.slice(1);
const get = (ip) => new Promise((resolve) => {
  require('node:http').get({ host: ip, port: http, path: '/api/cameras', localAddress: ip }, (response) => {
    let body = '';
    response.on('data', (data) => (body += data)).on('end', () => resolve({ status: response.statusCode, body }));
  }).on('error', (error) => resolve({ status: error.code }));
});
const connect = (ip, n) => new Promise((resolve) => {
  const socket = require('node:net').connect({ host: ip, port: mqtt, localAddress: ip });
  socket.on('data', (data) => { resolve(data.toString('hex')); socket.destroy(); });
  socket.on('error', () => resolve('')).on('close', () => resolve(''));
  // Each has a client id of its own: of two with the same one the earlier is closed.
  socket.write(Buffer.from('100d00044d5154540402003c0001' + (0x61 + n).toString(16), 'hex'));
});
Promise.all(ips.map(async (ip, n) => [ip, { ...(await get(ip)), connack: await connect(ip, n) }]))
  .then((all) => console.log(JSON.stringify(Object.fromEntries(all))));
`;

async function ask(t, set) {
  const vitrina = await Vitrina.start([], {
    set: ['broker.open=true', 'gallery.open=true', 'broker.listen=[::]:0', 'gallery.listen=[::]:0', ...set],
    under: apart(ALL.map((ip) => (ip.includes(':') ? `${ip}/128` : `${ip}/32`))),
  });
  t.after(() => vitrina.stop());
  const ports = [new URL(vitrina.wall).port, vitrina.port];
  const twice = [await within(vitrina.pid, ASK, ...ports, ...ALL), await within(vitrina.pid, ASK, ...ports, ...ALL)];
  assert.deepEqual(twice[0], twice[1]);
  return { vitrina, answers: twice[0] };
}

function comeIn(answers, ips) {
  for (const ip of ALL) {
    const { status, body, connack } = answers[ip];
    const expected = ips.includes(ip) ? { status: 200, connack: '20020000' } : { status: 403, connack: '' };
    assert.deepEqual({ status, connack }, expected, `${ip} ${body}`);
    if (status === 403) assert.ok(body.includes('gallery.networks') && body.includes(ip), body);
  }
}

test('private and shared addresses come in, public ones are refused, in words and once in the log', async (t) => {
  const { vitrina, answers } = await ask(t, []);
  comeIn(answers, [HOME, TAILSCALE, TAILSCALE_V6]);
  for (const ip of [PUBLIC, PUBLIC_V6]) {
    const said = (key) => vitrina.stderr.split('\n').filter((line) => line.includes(ip) && line.includes(key)).length;
    await until('the log says both', () => said('gallery.networks') > 0 && said('broker.networks') > 0);
    assert.deepEqual([said('gallery.networks'), said('broker.networks')], [1, 1], vitrina.stderr);
  }
});

test('networks that are listed come in too, beside the local ones', async (t) => {
  const networks = '["local", "203.0.113.0/24", "2001:db8:1::/48"]';
  const { answers } = await ask(t, [`gallery.networks=${networks}`, `broker.networks=${networks}`]);
  comeIn(answers, ALL);
});

test('networks that are listed alone keep other private ones out', async (t) => {
  const networks = '["192.168.77.0/24"]';
  const { answers } = await ask(t, [`gallery.networks=${networks}`, `broker.networks=${networks}`]);
  comeIn(answers, [HOME]);
});
