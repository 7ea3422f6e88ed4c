// One room, seen from a browser, a terminal and mosquitto_sub, across two galleries on one broker.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Child } from '../harness/child.mjs';
import { launch } from '../harness/chromium.mjs';
import { Subscriber } from '../harness/mosquitto.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { BINARY, Vitrina } from '../harness/vitrina.mjs';

/** Somebody in a terminal. */
class Chat {
  lines = '';

  constructor(name, broker) {
    const args = ['chat', '--name', name, '--data', folder('chat'), '--set', `gallery.broker=${broker}`];
    this.child = new Child(BINARY, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.unref().stdout.setEncoding('utf8').on('data', (text) => (this.lines += text));
  }

  say(text) {
    this.child.stdin.write(`${text}\n`);
  }

  shows(text) {
    return until(`the terminal shows ${text}`, () => this.lines.includes(text));
  }
}

test('a room is the same in every window of it', async (t) => {
  const first = await Vitrina.start([], { set: ['node.test_card.show="never"'] });
  t.after(() => first.stop());
  const status = new Subscriber(first.port, ['vitrina/gallery/+/status']);
  t.after(() => status.stop());
  // Else either may come first.
  await until('the first is online', () => status.messages.some(({ payload }) => `${payload}` === 'online'));
  const second = await Vitrina.start(['gallery'], { set: [`gallery.broker=${first.ready.broker}`] });
  t.after(() => second.stop());
  const browser = await launch();
  t.after(() => browser.close());
  const outside = new Subscriber(first.port, ['vitrina/people/#']);
  t.after(() => outside.stop());
  const chat = new Chat('Ximena', first.ready.broker);
  t.after(() => chat.child.kill());
  await chat.shows('here: Ximena');

  const enter = async (wall, name) => {
    const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
    await page.goto(`${wall}#/people`);
    await page.getByRole('log').waitFor();
    await page.getByRole('textbox', { name: 'Message to everyone' }).fill(`Hello from ${name}`);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('textbox').fill(name);
    await page.keyboard.press('Enter');
    return page;
  };
  const ana = await enter(first.wall, 'Ana');
  const bruno = await enter(second.wall, 'Bruno');
  const log = (page) => page.getByRole('log').innerText();

  for (const page of [ana, bruno]) {
    await page.getByRole('heading', { name: 'Three people here' }).waitFor();
    for (const name of ['Ana', 'Bruno']) {
      await until(`${name}'s word`, async () => (await log(page)).includes(`Hello from ${name}`));
    }
  }
  for (const name of ['Ana', 'Bruno']) {
    await chat.shows(`${name} joined`);
    await chat.shows(`${name}: Hello from ${name}`);
  }
  chat.say('and from a terminal');
  for (const page of [ana, bruno]) {
    await until("the terminal's word", async () => (await log(page)).includes('and from a terminal'));
  }
  const said = () => outside.messages.filter(({ topic }) => topic.endsWith('/say')).map(({ payload }) => JSON.parse(payload).text);
  await until('outside all three are heard', () => said().length === 3);
  const names = () => outside.messages.filter(({ topic, payload }) => !topic.endsWith('/say') && payload.length > 0)
    .map(({ payload }) => JSON.parse(payload).name);
  assert.deepEqual(new Set(names()), new Set(['Ana', 'Bruno', 'Ximena']));

  // The second one only shows photos, and says so.
  const health = async (wall) => (await fetch(`${wall}healthz`)).text();
  assert.match(await health(second.wall), /only shows/);
  // What happened is in the log of each.
  for (const { wall } of [first, second]) {
    const joined = async () => (await (await fetch(`${wall}api/log`)).json()).filter(({ event }) => event === 'joined');
    await until('all are in its log', async () =>
      ['Ana', 'Bruno'].every(async (name) => (await joined()).some(({ person }) => person.name === name)));
  }
  await bruno.context().close();
  await chat.shows('Bruno left');
  await until('Ana sees it', async () => (await log(ana)).includes('Bruno left'));
});
