// Many photos as one ZIP to a client that reads slowly: the length is told and right, others read
// the archive, and the gallery takes no more memory for it.

import { strict as assert } from 'node:assert';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { run } from '../harness/child.mjs';
import { bring } from '../harness/heavy.mjs';
import { descriptors, memory } from '../harness/process.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const MIB = 1 << 20;
const PHOTOS = Number(process.env.ZIP_PHOTOS ?? 160);
const BYTES = 512 * 1024;

/** Reads an archive's names, checks each CRC, and says what is odd (Python's zipfile). */
const CHECK = `
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
print(len(archive.namelist()), archive.namelist()[0], archive.infolist()[0].compress_type)
print(archive.read('captions.txt').decode(), end='')
`;

let vitrina;

before(async () => {
  vitrina = await Vitrina.start(['gallery']);
  await bring(vitrina, PHOTOS, BYTES);
});

after(() => vitrina?.stop());

const at = (path) => new URL(path, vitrina.wall);
const newest = async () => (await (await fetch(at('api/photos?limit=1'))).json())[0];

test(`${PHOTOS} photos of ${BYTES / 1024} KiB to a slow client`, { timeout: 900_000 }, async (t) => {
  const { id } = await newest();
  await fetch(at(`api/photos/${id}`), { method: 'PATCH', body: JSON.stringify({ caption: 'The last\none, ñ' }) });
  const token = 'a-name-that-nobody-guesses';
  const asked = `api/photos.zip?zone=Europe/Madrid&progress=${token}`;
  const told = await fetch(at(asked), { method: 'HEAD' });
  const length = Number(told.headers.get('content-length'));
  assert.ok(length > PHOTOS * (BYTES - 1024), `${length}`);

  const file = join(folder('zip'), 'all.zip');
  const out = createWriteStream(file);
  const before = memory(vitrina.pid);
  const opened = descriptors(vitrina.pid);
  const answer = await fetch(at(asked));
  assert.equal(answer.status, 200);
  assert.equal(Number(answer.headers.get('content-length')), length);
  assert.match(answer.headers.get('content-disposition'), /^attachment; filename="vitrina-\d{4}-\d\d-\d\d\.zip"$/);
  let [read, pieces, most, files] = [0, 0, 0, 0];
  for await (const piece of answer.body) {
    read += piece.length;
    if (!out.write(piece)) await new Promise((go) => out.once('drain', go));
    // Slower than the gallery in any case.
    if (++pieces % 8 === 0) await new Promise((go) => setTimeout(go, 2));
    most = Math.max(most, memory(vitrina.pid));
    files = Math.max(files, descriptors(vitrina.pid));
  }
  await new Promise((done) => out.end(done));
  assert.equal(read, length);
  t.diagnostic(`${(most - before) / MIB} MiB more at the most, for ${Math.round(length / MIB)} MiB`);
  assert.ok(most - before < 24 * MIB, `${most - before} bytes more`);
  assert.ok(files - opened < 8, `${files - opened} files more`);
  const progress = await (await fetch(at(`api/photos.zip/${token}`))).json();
  assert.deepEqual(progress.bytes, { sent: length, of: length });
  assert.deepEqual(progress.photos, { sent: PHOTOS, of: PHOTOS });
  assert.equal(progress.state, 'done');

  const python = await run('python3', ['-c', CHECK, file]);
  assert.equal(python.code, 0, python.stderr);
  const [first, caption] = python.stdout.split('\n');
  assert.match(first, new RegExp(`^${PHOTOS + 1} \\d{4}-\\d\\d-\\d\\d/\\d\\d\\.\\d\\d\\.\\d\\d IMG_\\d+\\.jpg 0$`));
  assert.match(caption, /^\d{4}-.* IMG_\d+\.jpg\tThe last one, ñ$/);
  const unzip = await run('unzip', ['-tq', file]);
  assert.equal(unzip.code, 0, unzip.stdout + unzip.stderr);
});

test('who stops reading or goes costs nothing, and who cancels ends it', async () => {
  const opened = descriptors(vitrina.pid);
  for (const way of ['leaves', 'cancels']) {
    const token = `a-name-that-nobody-guesses-${way}`;
    const stop = new AbortController();
    const answer = await fetch(at(`api/photos.zip?progress=${token}`), { signal: stop.signal });
    const reader = answer.body.getReader();
    await reader.read();
    const state = async () => (await (await fetch(at(`api/photos.zip/${token}`))).json()).state;
    assert.equal(await state(), 'sending');
    if (way === 'leaves') {
      stop.abort();
      await until('it failed', async () => (await state()) === 'failed');
    } else {
      assert.equal((await fetch(at(`api/photos.zip/${token}`), { method: 'DELETE' })).status, 204);
      assert.equal(await state(), 'cancelled');
      await assert.rejects(async () => {
        while (!(await reader.read()).done);
      }, 'the transfer is seen to break');
    }
  }
  await until('all files are closed', () => descriptors(vitrina.pid) <= opened + 2);
});

const form = (fields, type = 'application/x-www-form-urlencoded') =>
  fetch(at('api/photos.zip'), { method: 'POST', headers: { 'content-type': type }, body: new URLSearchParams(fields).toString() });

test('a form names thousands, and what cannot be asked is refused with a reason', async () => {
  const { id, taken } = await newest();
  const [head, tail] = [id.slice(0, 20), id.slice(20)];
  const others = Array.from({ length: 9_998 }, (_, i) => head + String(i).padStart(6, '0')).filter((other) => !other.endsWith(tail));
  const whole = await form({ ids: [id, ...others, id].join(','), zone: 'UTC' });
  assert.equal(whole.status, 200);
  const bytes = await whole.arrayBuffer();
  assert.ok(bytes.byteLength > BYTES - 1024 && bytes.byteLength < BYTES + 4096, 'one photo, once');
  const selected = await fetch(at(`api/photos.zip?from=${taken}&to=${taken + 1}&zone=UTC&word=img`));
  assert.equal(selected.status, 404, 'a file is not called by what is written in a caption');
  for (const [answer, status] of [
    [await form({ ids: Array(10_001).fill(id).join(',') }), 400],
    [await form({ ids: 'x'.repeat(600_000) }), 413],
    [await form({ ids: '../../etc/passwd' }), 400],
    [await form({ ids: others[0] }), 404],
    [await form({ ids: '' }), 404],
    [await form({ ids: id }, 'text/plain'), 415],
    [await form({ ids: id, zone: 'Mars' }), 400],
    [await form({ ids: id, progress: 'short' }), 400],
    [await form({ ids: id, progress: `${'a'.repeat(20)}/` }), 400],
    [await fetch(at(`api/photos.zip?ids=${id},nothing`)), 400],
    [await fetch(at('api/photos.zip?camera=pi/nothing')), 404],
    [await fetch(at('api/photos.zip/a-name-that-nobody-used')), 404],
  ]) {
    assert.equal(answer.status, status, answer.url);
    const { error, hint } = await answer.json();
    assert.ok(error && hint);
  }
});

test('one address has its share of those that are sent', async () => {
  const ends = [];
  let refused;
  for (let n = 0; n < 40 && !refused; n++) {
    const stop = new AbortController();
    ends.push(stop);
    const answer = await fetch(at('api/photos.zip'), { signal: stop.signal });
    if (answer.status !== 200) refused = answer;
  }
  assert.equal(refused?.status, 503);
  assert.match((await refused.json()).error, /ZIPs of photos/);
  for (const end of ends) end.abort();
  await until('others have their turn again', async () => {
    const stop = new AbortController();
    const answer = await fetch(at('api/photos.zip'), { signal: stop.signal });
    stop.abort();
    return answer.status === 200;
  });
});
