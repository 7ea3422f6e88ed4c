// What people call a camera and its node: given by MQTT, HTTP and the configuration, and kept by the node.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { Subscriber, publish } from '../harness/mosquitto.mjs';
import { Cameras } from '../harness/preload.mjs';
import { user } from '../harness/transports.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina, vitrina as command } from '../harness/vitrina.mjs';

const CAMERA = 'rig-test-camera-rig0000';
const STATE = `vitrina/here/${CAMERA}/state`;
const SET = `vitrina/here/${CAMERA}/set/title`;
const LIMIT = { limit: 40_000 };

const title = (is) => ({ title }) => title === is;

async function house(t, set = []) {
  const cameras = new Cameras(1);
  const vitrina = await Vitrina.start([], { set: ['node.name=here', ...set], env: cameras.env });
  const facts = new Subscriber(vitrina.port, ['vitrina/#']);
  t.after(async () => {
    await facts.stop();
    assert.deepEqual(await vitrina.stop(), { code: 0, signal: null });
  });
  await facts.fact(STATE, ({ state }) => state === 'idle', LIMIT);
  const answers = () => facts.messages.filter(({ topic }) => topic === 'vitrina/here/answer').map(({ payload }) => JSON.parse(payload));
  /** The answer to what is done. */
  const answered = async (id, doing) => {
    const before = answers().length;
    await doing();
    const last = await until(`an answer to ${id}`, () => answers().slice(before).find((answer) => answer.id === id));
    return last;
  };
  const put = (path, title, headers = {}) => fetch(new URL(path, vitrina.wall), {
    method: 'PUT', body: JSON.stringify({ title }), headers: { 'content-type': 'application/json', ...headers },
  });
  return { vitrina, cameras, facts, answered, put, kept: join(vitrina.data, 'node/titles.json') };
}

test('a title by MQTT is told, answered, kept over a restart, and goes before the configuration until it is taken away', async (t) => {
  const set = [`node.camera=[{name="${CAMERA}", title="Configured"}]`, 'node.title=Haus'];
  const { vitrina, facts, answered, kept } = await house(t, set);
  assert.equal(facts.json(STATE).title, 'Configured');
  await facts.fact('vitrina/here/info', title('Haus'), LIMIT);
  const camera = await answered(`${CAMERA}/set/title`, () => publish(vitrina.port, SET, '  北门\n\u202e'));
  assert.deepEqual(camera.result, { title: '北门' });
  await facts.fact(STATE, title('北门'));
  const node = await answered('set/title', () => publish(vitrina.port, 'vitrina/here/set/title', 'Cafe\u0301'));
  assert.deepEqual(node.result, { title: 'Café' });
  await facts.fact('vitrina/here/info', title('Café'));
  assert.equal(facts.json(STATE).name, 'Rig Test Camera', 'what it is called by itself stays beside');
  assert.deepEqual(JSON.parse(readFileSync(kept)), { node: 'Café', cameras: { [CAMERA]: '北门' } });

  await vitrina.kill();
  await vitrina.again();
  const again = new Subscriber(vitrina.port, ['vitrina/#']);
  t.after(() => again.stop());
  await again.fact(STATE, title('北门'), LIMIT);
  await again.fact('vitrina/here/info', title('Café'), LIMIT);
  await publish(vitrina.port, SET, '');
  await publish(vitrina.port, 'vitrina/here/set/title', ' \u200b ');
  await again.fact(STATE, title('Configured'));
  await again.fact('vitrina/here/info', title('Haus'));
  assert.ok(!again.messages.some(({ topic }) => /^vitrina\/[^/]+\/(Caf|北)/.test(topic)), 'addresses stay');
});

test('what cannot be a title, and what cannot be set, is refused in words', async (t) => {
  const { vitrina, facts, answered } = await house(t);
  const refused = async (topic, payload, args) => {
    const id = topic.split('/').slice(2).join('/');
    const { error } = await answered(id, () => publish(vitrina.port, topic, payload, args));
    return error;
  };
  assert.equal(await refused(SET, '北'.repeat(65)), 'a title has at most 64 characters, and this has 65');
  assert.match(await refused(SET, `a${'\u20dd'.repeat(300)}`), /at most 512 bytes in UTF-8/);
  assert.match(await refused('vitrina/here/nobody/set/title', 'x'), new RegExp(`no camera nobody; it has ${CAMERA}`));
  assert.equal(await refused(`vitrina/here/${CAMERA}/set/brightness`, '7'), 'this node cannot set brightness; it can set title');
  assert.ok(!('title' in facts.json(STATE)));
});

test('a title that a broker retains is none, for a node that comes later', async (t) => {
  const { vitrina, facts } = await house(t);
  for (const topic of ['vitrina/late/set/title', 'vitrina/late/test-card/set/title']) await publish(vitrina.port, topic, 'Retained', ['-r']);
  const late = await Vitrina.start(['node'], {
    set: ['node.name=late', 'node.test_card.show=always', `node.broker=${vitrina.ready.broker}`],
  });
  t.after(() => late.stop());
  await facts.fact('vitrina/late/test-card/state', ({ state }) => state === 'idle', LIMIT);
  await facts.fact('vitrina/late/status', (status) => status === 'online', LIMIT);
  await publish(vitrina.port, 'vitrina/late/test-card/set/title', 'Live');
  await publish(vitrina.port, 'vitrina/late/set/title', 'Live');
  await facts.fact('vitrina/late/info', title('Live'));
  await facts.fact('vitrina/late/test-card/state', title('Live'));
  const told = facts.messages.filter(({ topic }) => /^vitrina\/late\/(info|test-card\/state|answer)$/.test(topic));
  assert.ok(!told.some(({ payload }) => payload.includes('Retained')));
});

test('what strangers invent and a flood of titles cannot grow what the node keeps', async (t) => {
  const { vitrina, facts, answered, kept } = await house(t);
  await answered(`${CAMERA}/set/title`, () => publish(vitrina.port, SET, 'By hand'));
  for (let n = 0; n < 40; n += 1) await publish(vitrina.port, `vitrina/here/stranger-${n}/set/title`, 'x'.repeat(60));
  await until('too many are refused', () => facts.messages.some(({ payload }) => payload.includes('too many titles')));
  await until('they come again', async () => {
    await publish(vitrina.port, SET, 'After the flood');
    return facts.json(STATE).title === 'After the flood';
  }, { limit: 20_000, every: 500 });
  assert.deepEqual(JSON.parse(readFileSync(kept)), { cameras: { [CAMERA]: 'After the flood' } });
  assert.deepEqual(readdirSync(join(vitrina.data, 'node')).filter((name) => name.startsWith('titles')), ['titles.json']);
});

test('with users, operators and administrators give titles, viewers do not', async (t) => {
  const { vitrina, facts } = await house(t, ['broker.anonymous=viewer']);
  const login = {};
  for (const role of ['viewer', 'operator', 'admin']) login[role] = ['-u', `a-${role}`, '-P', await user(vitrina, `a-${role}`, role)];
  const reader = new Subscriber(vitrina.port, ['vitrina/#']);
  t.after(() => reader.stop());
  await reader.fact(STATE, ({ state }) => state === 'idle', LIMIT);
  for (const role of ['operator', 'viewer', 'admin']) {
    await publish(vitrina.port, SET, role, login[role]);
    await publish(vitrina.port, 'vitrina/here/set/title', role, login[role]);
    if (role === 'viewer') continue;
    await reader.fact(STATE, title(role));
    await reader.fact('vitrina/here/info', title(role));
  }
  assert.ok(![...facts.messages, ...reader.messages].some(({ payload }) => payload.includes('"title":"viewer"')));
});

test('over HTTP a title is there when the answer comes, and refusals say why', async (t) => {
  const { vitrina, facts, put } = await house(t);
  const camera = `api/cameras/here/${CAMERA}/title`;
  await until('the wall has it', async () => (await (await fetch(new URL('api/cameras', vitrina.wall))).json()).length === 1);
  for (const [path, given, is] of [[camera, ' Porte\tnord ', 'Porte nord'], ['api/nodes/here/title', 'Werkstatt', 'Werkstatt'], [camera, 'Porte nord', 'Porte nord']]) {
    const answer = await put(path, given);
    assert.deepEqual([answer.status, await answer.json()], [200, { title: is }]);
  }
  await facts.fact(STATE, title('Porte nord'));
  const [shown] = await until('the wall says so', async () => {
    const list = await (await fetch(new URL('api/cameras', vitrina.wall))).json();
    return list[0].name === 'Porte nord' && list[0].node_title === 'Werkstatt' && list;
  });
  assert.equal(shown.camera, `here/${CAMERA}`);
  for (const [path, given, status, words] of [
    [camera, '北'.repeat(65), 400, /at most 64 characters/],
    ['api/cameras/here/nobody/title', 'x', 404, /no camera here\/nobody/],
    ['api/cameras/here/No%20body/title', 'x', 404, /bad camera name/],
    ['api/nodes/nowhere/title', 'x', 404, /no node nowhere/],
  ]) {
    const answer = await put(path, given);
    const { error } = await answer.json();
    assert.equal(answer.status, status, error);
    assert.match(error, words);
  }
  assert.equal((await put(camera, 'x', { origin: 'https://elsewhere.example' })).status, 403);
  for (const body of ['', '[]', '{"title":7}', '{"title":"x","name":"y"}', `{"title":"${'x'.repeat(20_000)}"}`]) {
    const { status } = await fetch(new URL(camera, vitrina.wall), { method: 'PUT', body });
    assert.ok([400, 413].includes(status), `${body.slice(0, 30)}: ${status}`);
  }
  assert.equal(facts.json(STATE).title, 'Porte nord');
});

test('photos stand under the present title of their camera, and under its last one when it is gone', async (t) => {
  const { vitrina, put } = await house(t);
  const json = async (path) => (await fetch(new URL(path, vitrina.wall))).json();
  await until('the wall has it', async () => (await json('api/cameras')).length === 1);
  const names = async () => [
    ...(await json('api/photos')).map(({ camera_name: name }) => name),
    ...(await json('api/photos/sources')).cameras.map(({ name }) => name),
  ];
  const { status } = await fetch(new URL(`api/cameras/here/${CAMERA}/snap`, vitrina.wall), { method: 'POST' });
  assert.equal(status, 201);
  assert.deepEqual(await names(), ['Rig Test Camera', 'Rig Test Camera']);
  await put(`api/cameras/here/${CAMERA}/title`, '作業台');
  await until('it is shown under the title', async () => (await names()).join() === '作業台,作業台');
  assert.equal((await json('api/photos'))[0].camera, `here/${CAMERA}`, 'its address stays');
  await vitrina.stop();
  // A gallery alone, which never hears of that camera.
  const later = await Vitrina.start(['gallery'], { data: vitrina.data, set: ['gallery.broker=mqtt://127.0.0.1:9'] });
  t.after(() => later.stop());
  const [photo] = await (await fetch(new URL('api/photos', later.wall))).json();
  assert.equal(photo.camera_name, '作業台');
});

test('vitrina watch and vitrina cameras say the titles', async (t) => {
  const { vitrina, cameras, put } = await house(t);
  await until('it is set', async () => (await put(`api/cameras/here/${CAMERA}/title`, '北门')).status === 200);
  await put('api/nodes/here/title', 'Werkstatt');
  const watched = await command(['watch', '--once', '--set', `gallery.broker=${vitrina.ready.broker}`]);
  assert.match(watched.stdout, /^here {2}“Werkstatt” {2}online/m);
  assert.match(watched.stdout, /^ {4}“北门”$/m);
  const listed = await command(['cameras'], { data: vitrina.data, env: cameras.env });
  assert.match(listed.stdout, new RegExp(`^${CAMERA} “北门” \\(`, 'm'), listed.stderr);
});
