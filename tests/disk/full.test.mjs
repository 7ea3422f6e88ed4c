// Disks that fill up while cameras take photos: the gallery's, then a node's. Nothing that was
// acknowledged is lost, the page and /healthz say what is wrong, and it goes on by itself.

import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { after, test } from 'node:test';

import { launch } from '../harness/chromium.mjs';
import { SmallDisk } from '../harness/small.mjs';
import { disagreements, listed } from '../harness/store.mjs';
import { ulid } from '../harness/ulid.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const CAMERA = 'attic/test-card';
const START = { limit: 60_000 };
const SOON = { limit: 60_000, every: 200 };

let browser;
after(() => browser?.close());

test('full disks lose nothing and are filled again by themselves', async (t) => {
  const broker = await Vitrina.start(['broker'], START);
  const to = (part) => `${part}.broker=mqtt://127.0.0.1:${broker.port}`;
  const gallery = await SmallDisk.under(['gallery'], 24e6, { set: [to('gallery')], ...START });
  const card = ['show=always', 'width=640', 'height=480', 'fps=10'].map((pair) => `node.test_card.${pair}`);
  const node = await SmallDisk.under(['node'], 6e6, { set: [to('node'), 'node.name=attic', ...card], ...START });
  const { wall } = gallery.vitrina;
  const ask = (path, options) => fetch(new URL(path, wall), { signal: AbortSignal.timeout(20_000), ...options });
  const health = async () => {
    const answer = await ask('/healthz');
    return { code: answer.status, ...(await answer.json()) };
  };
  const spooled = () => readdirSync(node.path('node', 'spool')).filter((name) => name.endsWith('.jpg')).length;

  const answered = new Set();
  /** Asks for a photo; gives the answer if there is none. */
  const snap = async (id = ulid()) => {
    const answer = await ask(`/api/cameras/${CAMERA}/snap`, { method: 'POST', body: JSON.stringify({ id }) });
    const body = await answer.json();
    if (answer.ok) answered.add(id);
    return answer.ok ? null : `${answer.status} ${body.error}`;
  };
  /** Asks until there is none; gives the id and the answer. */
  const untilRefused = () => until('a refusal', async () => {
    const id = ulid();
    const said = await snap(id);
    return said && { id, said };
  }, { ...SOON, every: 1 });

  browser = await launch();
  const page = await browser.newPage({ locale: 'en-GB' });
  await page.goto(wall);
  const toast = () => page.evaluate(() => document.querySelector('.toast.bad')?.innerText ?? '');
  await until('the camera is there', async () => (await (await ask('/api/cameras')).json()).length === 1, SOON);
  await until('a photo', async () => !(await snap()), SOON);

  await t.test("the gallery's", async () => {
    // The gallery's reserve, a twentieth, and room for a few photos.
    gallery.fill(1.2e6 + 300e3);
    const { id, said } = await untilRefused();
    assert.match(said, /^507 .*disk is full/);
    const { code, status, reasons } = await health();
    assert.deepEqual([code, status], [503, 'failing']);
    assert.match(reasons.join(), /disk is full.*min_free/);
    await until('the page says so', async () => /disk of the gallery is full/.test(await toast()), SOON);
    const form = new FormData();
    // More than the room there was: a refused photo may have been a little larger than what is left.
    const photo = Buffer.from(await (await ask('/photos/' + [...answered][0])).arrayBuffer());
    form.append('image', new Blob([photo, Buffer.alloc(300e3)]));
    assert.equal((await ask('/upload', { method: 'POST', body: form })).status, 507);
    assert.ok(spooled() > 0, 'the node keeps what the gallery cannot');
    assert.ok((await ask('/photos/' + [...answered][0])).ok, 'what there is can be seen');

    gallery.clear();
    await until('the photo of then', async () => (await ask(`/api/photos/${id}`)).ok, SOON);
    await until('the spool is empty', () => spooled() === 0, SOON);
    await until('all is well', async () => (await health()).status === 'ok', SOON);
    await until('the page says no more', async () => !/disk/.test(await toast()), SOON);
    assert.equal(await snap(), null);
  });

  await t.test("a node's", async () => {
    // The last photo frees its space when the node learns that it is stored.
    await until('the spool is empty', () => spooled() === 0, SOON);
    node.fill(16e3);
    const { said } = await untilRefused();
    assert.match(said, /^507 .*the node's disk is full/);
    await until('it is known', async () => /attic takes no photos: the node's disk is full/.test((await health()).reasons?.join()), SOON);
    assert.equal((await health()).code, 200, 'nothing is wrong with the gallery');
    await until('the page says so', async () => /cannot be taken with every camera/.test(await toast()), SOON);
    node.clear();
    await until('nobody complains', async () => !(await health()).reasons, SOON);
    await until('the page says no more', async () => !(await toast()), SOON);
    assert.equal(await snap(), null);
  });

  const list = await listed(wall);
  const ids = new Set(list.map(({ id }) => id));
  t.diagnostic(`${answered.size} answered, ${list.length} stored`);
  assert.deepEqual([...answered].filter((id) => !ids.has(id)), [], 'answered, but not there');
  assert.deepEqual(disagreements(list, gallery.path('gallery', 'photos')), []);
  await node.vitrina.stop();
  await gallery.vitrina.stop();
  await broker.stop();
});

for (const [what, fill, options] of [
  ['byte', (disk) => disk.fillAll(), {}],
  ['inode', (disk) => disk.fillInodes(), { inodes: 400 }],
]) {
  test(`without a free ${what} photos are seen, deleted and captioned, and all else says why not`, async () => {
    const card = ['show=always', 'width=640', 'height=480', 'fps=10'].map((pair) => `node.test_card.${pair}`);
    // Without `min_free`, so that only the disk itself refuses.
    const set = [...card, 'node.name=attic', 'gallery.photos.min_free=0 B'];
    const disk = await SmallDisk.under([], 48e6, { ...options, set, ...START });
    const { wall } = disk.vitrina;
    const ask = async (path, options) => {
      const answer = await fetch(new URL(path, wall), { signal: AbortSignal.timeout(20_000), ...options });
      const text = await answer.text();
      return { status: answer.status, body: text && JSON.parse(text) };
    };
    const snap = () => ask(`/api/cameras/${CAMERA}/snap`, { method: 'POST' });
    const taken = [];
    while (taken.length < 12) {
      const { status, body } = await snap();
      if (status === 201) taken.push(body.id);
    }
    const picture = await (await fetch(new URL(`/photos/${taken[0]}`, wall))).arrayBuffer();
    const bring = (n) => {
      const form = new FormData();
      // Another time in its stamp makes it another picture.
      const other = Buffer.from(picture.slice(0));
      const at = other.indexOf(' mono=') - 1;
      other[at] = 0x30 + ((other[at] - 0x30 + n) % 10);
      form.append('image', new Blob([other]));
      return ask('/upload', { method: 'POST', body: form });
    };
    fill(disk);

    for (const { status, body } of [await bring(1), await bring(2)]) {
      assert.equal(status, 507, body.error);
      assert.match(body.error, /disk (is full|has room for no more files)/);
      assert.ok(body.hint);
    }
    await until('a snap is refused with words', async () => {
      const { status, body } = await snap();
      return status === 507 && /disk/.test(body.error);
    }, SOON);
    const change = (id, wanted) => ask(`/api/photos/${id}`, { method: 'PATCH', body: JSON.stringify(wanted) });
    for (const id of taken.slice(0, 6)) {
      const { status, body } = await change(id, { caption: 'Kept '.repeat(90), pinned: true });
      assert.equal(status, 200, body.error);
    }
    for (const id of taken.slice(6)) assert.equal((await ask(`/api/photos/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await ask(`/api/photos/${taken[6]}/restore`, { method: 'POST' })).status, 200);
    assert.equal((await ask(`/api/photos/${taken[6]}`, { method: 'DELETE' })).status, 204);
    const left = (await ask('/api/photos')).body;
    assert.deepEqual(left.map(({ id }) => id).sort(), taken.slice(0, 6).sort());
    assert.ok(left.every(({ pinned, caption }) => pinned && caption.startsWith('Kept')));

    disk.clear();
    await until('all is well', async () => (await ask('/healthz')).body.status === 'ok', SOON);
    await until('a photo', async () => (await snap()).status === 201, SOON);
    assert.equal((await bring(3)).status, 201);
    assert.equal((await bring(3)).status, 200);
    assert.deepEqual(disagreements(await listed(wall), disk.path('gallery', 'photos')), []);
    await disk.vitrina.stop();
  });
}
