// Only Vitrina's user can read its data, whatever the umask of the shell that starts it; and
// it notices a folder that goes away.

import { strict as assert } from 'node:assert';
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const SOON = { limit: 60_000, every: 200 };
const EVERYTHING = ['sh', '-c', 'umask 000; exec "$0" "$@"'];
const CARD = ['show=always', 'width=640', 'height=480', 'fps=10'].map((pair) => `node.test_card.${pair}`);

/** Everything below a folder that others can read, write or enter. */
function open(path) {
  const names = [path, ...readdirSync(path, { recursive: true }).map((name) => join(path, name))];
  const modes = names.map((name) => [name, lstatSync(name)]).filter(([, stat]) => !stat.isSymbolicLink());
  return modes.filter(([, { mode }]) => mode & 0o077).map(([name, { mode }]) => `${(mode & 0o777).toString(8)} ${name}`);
}

async function start(data) {
  const set = [...CARD, 'gallery.https_listen=127.0.0.1:0', 'node.name=attic'];
  const vitrina = await Vitrina.start([], { data, set, under: EVERYTHING, limit: 60_000 });
  const ask = (path, options) => fetch(new URL(path, vitrina.wall), { signal: AbortSignal.timeout(20_000), ...options });
  const snap = async () => (await ask('/api/cameras/attic/test-card/snap', { method: 'POST' })).status;
  return { vitrina, ask, snap };
}

test('nobody else can read anything of what it keeps', async () => {
  const data = join(folder('data'), 'made', 'here');
  const { vitrina, ask, snap } = await start(data);
  await until('a photo', async () => (await snap()) === 201, SOON);
  const [photo] = await (await ask('/api/photos')).json();
  assert.equal((await ask(`/photos/${photo.id}/thumb`)).status, 200);
  await until('the log is kept', () => readdirSync(join(data, 'gallery')).includes('log.db'), SOON);
  assert.deepEqual(open(data), []);
  assert.ok(readdirSync(data, { recursive: true }).length > 30);
  await vitrina.stop();
  assert.deepEqual(open(data), []);
  // As an earlier version left them.
  for (const part of ['gallery', 'node', 'broker']) chmodSync(join(data, part), 0o755);
  const again = await start(data);
  assert.deepEqual(open(data), []);
  await again.vitrina.stop();
});

test('a data folder that went away is said, takes no photo, and comes back', async () => {
  const data = folder('data');
  const { vitrina, ask, snap } = await start(data);
  await until('a photo', async () => (await snap()) === 201, SOON);
  const [gallery, elsewhere] = [join(data, 'gallery'), join(data, 'elsewhere')];
  const reasons = async () => {
    const answer = await ask('/healthz');
    return `${answer.status} ${(await answer.json()).reasons}`;
  };
  renameSync(gallery, elsewhere);
  await until('it is said', async () => /^503 .*was moved, deleted or unmounted.*put it back/.test(await reasons()), SOON);
  assert.equal(await snap(), 503);
  // Another folder of that name does not count.
  mkdirSync(gallery);
  const form = new FormData();
  form.append('image', new Blob([Buffer.alloc(100)]));
  assert.equal((await ask('/upload', { method: 'POST', body: form })).status, 503);
  assert.deepEqual(readdirSync(gallery), []);
  renameSync(elsewhere, gallery);
  await until('all is well', async () => /^200 /.test(await reasons()), SOON);
  await until('another photo', async () => (await snap()) === 201, SOON);
  await vitrina.stop();
});
