// What is piped into `vitrina chat` is said to everyone, in order: at pages and in other terminals.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import WebSocket from 'ws';

import { Child } from '../harness/child.mjs';
import { Link } from '../harness/link.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Viewer } from '../harness/viewer.mjs';
import { BINARY, Vitrina } from '../harness/vitrina.mjs';

const LINES = Array.from({ length: 300 }, (_, n) => `line ${n} of many`);

function chat(name, broker) {
  const args = ['chat', '--name', name, '--data', folder('chat'), '--set', `gallery.broker=${broker}`];
  const child = new Child(BINARY, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.heard = '';
  child.unref().stdout.setEncoding('utf8').on('data', (text) => (child.heard += text));
  return child;
}

test('300 lines of a pipe arrive once each, in order, at a page and in a terminal', { timeout: 120_000 }, async (t) => {
  const vitrina = await Vitrina.start([], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  const page = new WebSocket(`${vitrina.wall.replace('http', 'ws')}ws`);
  t.after(() => page.terminate());
  const said = [];
  page.on('message', (data, isBinary) => {
    const message = isBinary ? {} : JSON.parse(data);
    if (message.type !== 'talk') return;
    for (const { text, person } of message.lines) if (text !== undefined && person.name === 'Pipe') said.push(text);
  });
  await new Promise((resolve, reject) => page.once('open', resolve).once('error', reject));
  const ana = chat('Ana', vitrina.ready.broker);
  t.after(() => ana.kill());
  await until('Ana is here', () => ana.heard.includes('here: Ana'));

  const pipe = chat('Pipe', vitrina.ready.broker);
  t.after(() => pipe.kill());
  pipe.stdin.end(LINES.map((line) => `${line}\n`).join(''));
  const { code } = await pipe.gone;
  assert.equal(code, 0, pipe.stderr);
  await until('Ana sees it leave', () => ana.heard.includes('Pipe left'));
  await until('the page has all', () => said.includes(LINES.at(-1)));
  assert.deepEqual(said, LINES);
  const shown = [...ana.heard.matchAll(/ Pipe: (.*)/g)].map(([, text]) => text);
  assert.deepEqual(shown, LINES);
  const health = await (await fetch(`${vitrina.wall}healthz`)).json();
  assert.deepEqual(health, { status: 'ok' });
});

test('a line of a terminal whose echo was lost is said again, and is there once', { timeout: 60_000 }, async (t) => {
  const vitrina = await Vitrina.start([], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  const page = await Viewer.connect(vitrina.wall);
  t.after(() => page.close());
  const link = await Link.to(vitrina.port);
  t.after(() => link.close());
  const [ana, luz] = [chat('Ana', vitrina.ready.broker), chat('Luz', `mqtt://127.0.0.1:${link.port}`)];
  for (const child of [ana, luz]) t.after(() => child.kill());
  await until('both are here', () => ana.heard.includes('Luz') && luz.heard.includes('here:'));
  luz.stdin.write('before\n');
  await until('Luz is heard', () => luz.heard.includes('Luz: before'));
  link.deafen();
  luz.stdin.write('only the echo is lost\nand one more\n');
  await until('others hear it', () => ana.heard.includes('Luz: only the echo is lost'));
  link.plug();
  await until('she goes on', () => ana.heard.includes('Luz: and one more'), { limit: 30_000 });
  const all = ['before', 'only the echo is lost', 'and one more'];
  const said = () => page.said.filter(({ type }) => type === 'talk').flatMap(({ lines }) => lines).flatMap(({ text }) => text ?? []);
  await until('the page has all', () => said().includes(all.at(-1)));
  assert.deepEqual(said(), all);
  const shown = [...ana.heard.matchAll(/ Luz: (.*)/g)].map(([, text]) => text);
  assert.deepEqual(shown, all);
  assert.match(luz.heard, /your last line goes out when it is back/);
});
