// By which addresses others come in: those that are told answer from another machine.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';
import { fileURLToPath } from 'node:url';

import { HERE, lan } from '../harness/lan.mjs';
import { within } from '../harness/namespace.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const PYTHON = process.env.PYTHON ?? '/usr/bin/python3';
const ANSWER = fileURLToPath(new URL('answer.py', import.meta.url));

/** What comes from addresses: `{url: status}`. The certificate is the gallery's own. */
const CALL = `
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');
Promise.all(process.argv.slice(1).map(async (url) => {
  const get = require(url.startsWith('https') ? 'node:https' : 'node:http').get;
  return [url, await new Promise((resolve) => {
    get(url, (response) => resolve(response.statusCode)).on('error', (error) => resolve(error.code));
  })];
})).then((all) => console.log(JSON.stringify(Object.fromEntries(all))));
`;

/** What the gallery says of its addresses to whoever asks at \`url\` with these headers. */
const ASK = `
const [url, headers] = process.argv.slice(1);
require('node:http').get(url, { headers: JSON.parse(headers) }, (response) => {
  let body = '';
  response.on('data', (data) => (body += data)).on('end', () => console.log(body));
});
`;

/** A gallery that the local network may enter, and what its two machines are told. */
async function open(t, set = [], ...first) {
  const { under, visitor } = lan(...first);
  const vitrina = await Vitrina.start([], {
    set: ['node.name=here', 'gallery.open=true', 'gallery.listen=[::]:0', ...set], under,
  });
  t.after(() => vitrina.stop());
  const { port } = new URL(vitrina.wall);
  const ask = (pid) => (host = HERE, headers = {}) => within(pid, ASK, `http://${host}:${port}/api/addresses`, JSON.stringify(headers));
  return { vitrina, port, visitor: visitor(), here: ask(vitrina.pid), there: ask(visitor()) };
}

const urls = ({ addresses }) => addresses.map(({ url }) => url);

test('each address that is told answers from another machine, and so does the one of the ready line', async (t) => {
  const { vitrina, port, visitor, here, there } = await open(t, ['gallery.https_listen="[::]:0"']);
  const secure = vitrina.walls.https;
  assert.equal(vitrina.ready.gallery, `http://${HERE}:${port}`);
  const told = await here('127.0.0.1');
  assert.deepEqual(told, {
    closed: false,
    elsewhere: false,
    addresses: [
      { url: `http://${HERE}:${port}/`, interface: 'lan' },
      { url: `https://${HERE}:${secure.port}/`, interface: 'lan', warns: true },
    ],
  });
  const called = await within(visitor, CALL, ...urls(told), ...urls(told).map((url) => `${url}people`));
  assert.deepEqual(Object.values(called), [200, 200, 302, 302], JSON.stringify(called));
  assert.equal((await here()).elsewhere, false);
  assert.equal((await there()).elsewhere, true);
});

test('a name comes first once another machine came by it, and none that a stranger makes up', async (t) => {
  const { port, here, there } = await open(t);
  const number = `http://${HERE}:${port}/`;
  for (const host of [`workshop.local:${Number(port) + 1}`, `6.6.6.6:${port}`, `kitchen:${port}`]) {
    assert.equal(urls(await there(HERE, { host }))[0], number, host);
  }
  // This machine finds its own name, whoever else does.
  assert.equal(urls(await here('127.0.0.1', { host: `workshop.local:${port}` }))[0], number);
  assert.equal(urls(await here(HERE, { host: `workshop.local:${port}` }))[0], number);
  assert.deepEqual(urls(await there(HERE, { host: `workshop.lan:${port}` })), [`http://workshop.lan:${port}/`, number]);
});

test('a name for which the network answers is told after the number', async (t) => {
  const { port, vitrina, here } = await open(t, [], `setpriv --pdeathsig KILL ${PYTHON} ${ANSWER} workshop.local ${HERE} >&2 &`);
  const told = await until('the name is told', async () => {
    const told = urls(await here('127.0.0.1'));
    if (told.length === 2) return told;
    throw new Error(`${told} ${vitrina.stderr}`);
  }, { limit: 40_000, every: 500 });
  assert.deepEqual(told, [`http://${HERE}:${port}/`, `http://workshop.local:${port}/`]);
});

test('a gallery of its own machine alone says so', async (t) => {
  const { under } = lan();
  const vitrina = await Vitrina.start([], { set: ['node.name=here'], under });
  t.after(() => vitrina.stop());
  const told = await within(vitrina.pid, ASK, `${vitrina.wall}api/addresses`, '{}');
  assert.deepEqual(told, { closed: true, elsewhere: false, addresses: [] });
});

test('networks that may not come in are not told', async (t) => {
  const { here } = await open(t, ['gallery.networks=["10.0.0.0/8"]']);
  assert.deepEqual(await here('127.0.0.1'), { closed: false, elsewhere: false, addresses: [] });
});
