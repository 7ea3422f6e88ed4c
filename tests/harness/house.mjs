// A node and a gallery on somebody else's broker, as their users see them.

import { strict as assert } from 'node:assert';

import { until } from './until.mjs';
import { Viewer } from './viewer.mjs';
import { Vitrina } from './vitrina.mjs';

/**
 * A node that shows a test card. `settings` are those of the broker's clients, such as
 * `password_file`; the user of a node has its name.
 */
export const node = ({ url, settings = [] }, more = []) => Vitrina.start(['node'], {
  set: [`node.broker=${url('pi')}`, 'node.name=pi', 'node.test_card.show=always', ...settings.map((it) => `node.${it}`), ...more],
});

export const gallery = ({ url, settings = [] }, more = []) => Vitrina.start(['gallery'], {
  set: [`gallery.broker=${url('gallery')}`, ...settings.map((it) => `gallery.${it}`), ...more],
});

export const json = async (gallery, path) => (await fetch(new URL(path, gallery.wall))).json();
export const photos = (gallery) => json(gallery, 'api/photos');
export const snap = (gallery, camera) => fetch(new URL(`api/cameras/${camera}/snap`, gallery.wall), { method: 'POST' });

/** Waits until the one camera is on the wall and does as `is` says: works, if left out. */
export const camera = (gallery, is = (state) => ['live', 'idle'].includes(state), limit = 40_000) =>
  until(`its camera is on the wall: ${is}`, async () => {
    const cameras = await json(gallery, 'api/cameras');
    if (cameras.length === 1 && is(cameras[0].state)) return cameras[0].camera;
    throw new Error(JSON.stringify(cameras));
  }, { limit });

/** Looks at a camera until `stop()`; `frames` counts whole pictures that came. */
export function look(gallery, camera) {
  const ends = new AbortController();
  const looking = { frames: 0, stop: () => ends.abort() };
  const read = async () => {
    const { body } = await fetch(new URL(`cameras/${camera}/stream.mjpg`, gallery.wall), { signal: ends.signal });
    for await (const chunk of body) looking.frames += Buffer.from(chunk).toString('latin1').split('vitrina node=pi').length - 1;
  };
  read().catch(() => {});
  return looking;
}

/** Sees that live frames arrive. */
export async function arrive(gallery, camera) {
  const looking = look(gallery, camera);
  await until('live frames arrive', () => looking.frames >= 5, { limit: 20_000 }).finally(looking.stop);
}

/** A visitor of a gallery until `close()`. */
export async function visitor(gallery, name) {
  const viewer = await Viewer.connect(gallery.wall);
  viewer.say({ type: 'join', name });
  await until(`${name} joined`, () => viewer.said.some(({ type }) => type === 'you'));
  return viewer;
}

/** Waits until a gallery lists exactly these people. */
export const here = (gallery, names) => until(`here: ${names}`, async () => {
  const viewer = await Viewer.connect(gallery.wall);
  const { people } = await until('who is here', () => viewer.said.find(({ type }) => type === 'people')).finally(() => viewer.close());
  const seen = people.map(({ name }) => name).sort();
  if (seen.join() === [...names].sort().join()) return true;
  throw new Error(seen.join());
}, { limit: 30_000, every: 300 });

/** Waits until `/healthz` says something, and gives it. */
export const reason = (gallery, what, limit = 30_000) => until(`/healthz says ${what}`, async () => {
  const { reasons = [] } = await json(gallery, 'healthz');
  const found = reasons.find((line) => what.test(line));
  if (found) return found;
  throw new Error(JSON.stringify(reasons));
}, { limit });

/** Checks that these galleries together have `count` photos, each once. */
export async function stored(galleries, count) {
  const all = async () => (await Promise.all(galleries.map(photos))).flat().map(({ id }) => id);
  await until(`${count} photos are stored`, async () => {
    const ids = await all();
    if (ids.length >= count) return true;
    throw new Error(`${ids.length}`);
  }, { limit: 60_000 });
  const ids = await all();
  assert.equal(new Set(ids).size, ids.length, 'one is stored twice');
  assert.equal(ids.length, count);
}

/** Waits until a gallery has received `count` further pictures of its camera: the age falls with each. */
export async function pictures(gallery, count) {
  let [seen, last] = [0, 0];
  await until(`${count} further pictures`, async () => {
    const [{ age_ms: age }] = await json(gallery, 'api/cameras');
    if (age < last) seen += 1;
    last = age;
    return seen >= count;
  }, { limit: 10_000 + 3_000 * count });
}
