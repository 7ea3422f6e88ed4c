// Visitors whose network is lost, who bring photos, and whose camera others would like to press.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Link } from '../harness/link.mjs';
import { until } from '../harness/until.mjs';
import { Viewer } from '../harness/viewer.mjs';
import { Vitrina, vitrina as run } from '../harness/vitrina.mjs';

let vitrina;

before(async () => {
  vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show="always"'] });
});

after(() => vitrina?.stop());

async function join(wall, name, path) {
  const viewer = await Viewer.connect(wall, { path });
  viewer.say({ type: 'join', name });
  viewer.you = await until(`${name} joined`, () => viewer.said.find(({ type }) => type === 'you'));
  return viewer;
}

const lines = (viewer) => viewer.said.filter(({ type }) => type === 'talk').flatMap(({ lines }) => lines);

test('a visitor whose cable is pulled has left within 20 s', async () => {
  const link = await Link.to(Number(new URL(vitrina.wall).port));
  const stays = await join(vitrina.wall, 'Ana');
  const lost = await join(`http://127.0.0.1:${link.port}/`, 'Bruno');
  await until('Bruno is here', () => lines(stays).some(({ what, person }) => what === 'joined' && person.name === 'Bruno'));
  const pulled = performance.now();
  link.pull();
  const left = await until('he has left', () => lines(stays).find(({ what, person }) => what === 'left' && person.name === 'Bruno'),
    { limit: 20_000 });
  assert.equal(left.lost, true, `after ${Math.round(performance.now() - pulled)} ms`);
  lost.close();
  stays.close();
  link.close();
});

test('a photo that is brought with the key of a person is theirs', async () => {
  const ana = await join(vitrina.wall, 'Ana');
  const { camera } = await until('a picture', async () =>
    (await (await fetch(`${vitrina.wall}api/cameras`)).json()).find(({ age_ms }) => age_ms !== null));
  const picture = await (await fetch(`${vitrina.wall}cameras/${camera}/snapshot.jpg`)).blob();
  const upload = (key) => {
    const body = new FormData();
    body.append('age', '5000');
    body.append('image', picture, 'mine.jpg');
    return fetch(`${vitrina.wall}upload`, { method: 'POST', body, headers: { authorization: `Bearer ${ana.you.id}.${key}` } });
  };
  assert.equal((await upload('AAAAAAAAAAAAAAAAAAAAAA')).status, 401);
  const answer = await upload(ana.you.key);
  assert.equal(answer.status, 201);
  const [{ id }] = await answer.json();
  const photo = await (await fetch(`${vitrina.wall}api/photos/${id}`)).json();
  assert.deepEqual(photo.person, { id: ana.you.id, name: 'Ana' });
  const theirs = await (await fetch(`${vitrina.wall}api/photos?person=${ana.you.id}`)).json();
  assert.deepEqual(theirs.map(({ id }) => id), [id]);
  await until('her page hears of it', () =>
    ana.said.some(({ type, photo }) => type === 'photo' && photo?.id === id && photo.person.name === 'Ana'));
  ana.close();
});

test("a photo asked of a page's camera is refused at once with what to do", async () => {
  const ana = await join(vitrina.wall, 'Ana', '/ws?camera');
  ana.say({ type: 'share', name: 'Ana', size: '1280x720' });
  const cameras = async () => (await fetch(`${vitrina.wall}api/cameras`)).json();
  const { camera } = await until('her camera', async () => (await cameras()).find(({ kind }) => kind === 'browser'));
  const answer = await fetch(`${vitrina.wall}api/cameras/${camera}/snap`, { method: 'POST' });
  assert.equal(answer.status, 409);
  const { error, hint } = await answer.json();
  assert.match(`${error}; ${hint}`, /Ana is shown from a browser.*presses the shutter/);
  const told = await run(['snap', camera, '--set', `gallery.broker=${vitrina.ready.broker}`]);
  assert.equal(told.code, 1);
  assert.match(told.stderr, /shown from a browser/);
  ana.close();
});
