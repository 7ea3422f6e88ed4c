// MQTT.js in a page of Chromium, over WebSocket, in both versions of MQTT.

import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launch } from '../harness/chromium.mjs';
import { openBroker, user } from '../harness/transports.mjs';
import { until } from '../harness/until.mjs';

const LIBRARY = fileURLToPath(new URL('../node_modules/mqtt/dist/mqtt.min.js', import.meta.url));
// Nothing else ends a wait in a page.
const LIMIT = { timeout: 60_000 };

let broker, password, browser, site;
before(async () => {
  broker = await openBroker(['ws']);
  password = await user(broker, 'ada', 'admin');
  // A page of loopback, because Chromium lets no other page reach loopback; it may have any name.
  browser = await launch(['--host-resolver-rules=MAP other.example 127.0.0.1']);
  site = createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end('<!doctype html>'));
  await once(site.listen(0, '127.0.0.1'), 'listening');
});
after(async () => {
  await browser?.close();
  site?.closeAllConnections();
  site?.close();
  await broker?.stop();
});

/** A page with MQTT.js in it, from this machine under the name `host`. */
async function page(host = '127.0.0.1') {
  const page = await browser.newPage();
  await page.goto(`http://${host}:${site.address().port}/`);
  await page.addScriptTag({ path: LIBRARY });
  return page;
}

for (const protocolVersion of [4, 5]) {
  test(`MQTT.js speaks version ${protocolVersion} in a page`, LIMIT, async () => {
    const client = await page();
    const options = { protocolVersion, username: 'ada', password, reconnectPeriod: 0, clientId: `page-${protocolVersion}` };
    const seen = await client.evaluate(exchange, { url: broker.brokers.ws, options });
    const numbers = Array.from({ length: 30 }, (_, n) => `${n}`);
    assert.deepEqual(seen, { 0: numbers, 1: numbers, 2: numbers, retained: ['kept true'], will: ['gone'], picture: 1 << 20 });
    await client.close();
  });
}

test('MQTT.js is told that its password is wrong', LIMIT, async () => {
  const client = await page();
  const told = await client.evaluate(refusal, {
    url: broker.brokers.ws,
    options: { protocolVersion: 5, username: 'ada', password: 'guess', reconnectPeriod: 0 },
  });
  assert.match(told, /134|Bad User Name or Password/i);
});

test('a page of another host is not let in', LIMIT, async () => {
  const client = await page('other.example');
  const options = { username: 'ada', password, reconnectPeriod: 0 };
  const told = await client.evaluate(refusal, { url: broker.brokers.ws, options });
  assert.notEqual(told, 'connected');
  await until('the broker says why', () => /a page of http:\/\/other\.example:\d+ may not come in/.test(broker.stderr));
});

test('a page of this machine may call it by another of its names', LIMIT, async () => {
  const client = await page('localhost');
  const options = { username: 'ada', password, reconnectPeriod: 0 };
  assert.equal(await client.evaluate(refusal, { url: broker.brokers.ws, options }), 'connected');
});

/** In the page: every QoS, a retained message, a will, and a picture. */
async function exchange({ url, options }) {
  const { mqtt } = window;
  const version = options.protocolVersion;
  const sub = await mqtt.connectAsync(url, options);
  const pub = await mqtt.connectAsync(url, { ...options, clientId: `${options.clientId}-pub` });
  const seen = { 0: [], 1: [], 2: [], retained: [], will: [], picture: 0 };
  let heard = () => {};
  sub.on('message', (topic, payload, { retain }) => {
    const what = topic.split('/').pop();
    if (what === 'picture') seen.picture = payload.length;
    else seen[what].push(what === 'retained' ? `${payload} ${retain}` : `${payload}`);
    heard();
  });
  const until = (fact) => new Promise((resolve) => {
    heard = () => fact() && resolve();
    heard();
  });
  for (const qos of [0, 1, 2]) {
    await sub.subscribeAsync(`js${version}/${qos}`, { qos });
    for (let n = 0; n < 30; n++) {
      await pub.publishAsync(`js${version}/${qos}`, `${n}`, { qos });
      await until(() => seen[qos].length > n);
    }
  }
  await pub.publishAsync(`js${version}/retained`, 'kept', { qos: 1, retain: true });
  await sub.subscribeAsync([`js${version}/retained`, `js${version}/will`, `js${version}/picture`], { qos: 1 });
  await until(() => seen.retained.length > 0);
  await pub.publishAsync(`js${version}/picture`, new Uint8Array(1 << 20), { qos: 1 });
  await until(() => seen.picture > 0);
  const will = { topic: `js${version}/will`, payload: 'gone', qos: 1 };
  const mortal = await mqtt.connectAsync(url, { ...options, clientId: `${options.clientId}-mortal`, will });
  mortal.stream.destroy();
  await until(() => seen.will.length > 0);
  await sub.endAsync();
  await pub.endAsync();
  return seen;
}

/** In the page: the outcome of an attempt to connect. */
function refusal({ url, options }) {
  return new Promise((resolve) => {
    const client = window.mqtt.connect(url, options);
    client.on('connect', () => resolve('connected'));
    client.on('error', (error) => resolve(`${error.code} ${error.message}`));
    client.on('close', () => setTimeout(() => resolve('closed'), 500));
  });
}
