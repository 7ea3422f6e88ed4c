// Each link in a document leads somewhere, and each source file that a document names exists.

import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dirname, join, relative } from 'node:path';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SKIPPED = new Set(['.git', 'node_modules', 'target', 'dist']);

/** Each file of the repository, as a path below its root. */
function files(folder = ROOT) {
  return readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !SKIPPED.has(name)).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [relative(ROOT, path)];
  });
}

const FILES = files();
const DOCUMENTS = FILES.filter((file) => file.endsWith('.md'));

/** A document without its blocks of code, in which nothing is a link. */
const prose = (document) => readFileSync(join(ROOT, document), 'utf8').replace(/^```.*?^```$/gms, '');

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(document) {
  const seen = new Map();
  return [...prose(document).matchAll(/^#+ +(.*)$/gm)].map(([, heading]) => {
    const anchor = heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before ? `${anchor}-${before}` : anchor;
  });
}

/** What is wrong with the links of a document. */
function broken(document) {
  const links = [...prose(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
  return links.filter((link) => !/^[a-z]+:/.test(link)).filter((link) => {
    const [path, anchor] = link.split('#');
    const target = path ? join(dirname(document), path) : document;
    return !existsSync(join(ROOT, target)) || (anchor && !anchors(target).includes(anchor));
  });
}

test('there are documents with links', () => {
  assert.ok(DOCUMENTS.includes('README.md') && DOCUMENTS.includes('docs/protocol.md'), DOCUMENTS.join());
  assert.ok(anchors('docs/protocol.md').includes('snap-snapshot-stored'));
});

for (const document of DOCUMENTS) {
  test(`the links of ${document} lead somewhere`, () => assert.deepEqual(broken(document), []));
}

test('each source file that a document names exists', () => {
  const named = DOCUMENTS.filter((document) => document !== 'CHANGELOG.md').flatMap((document) =>
    [...prose(document).matchAll(/`([\w./-]+\.(?:rs|tsx?|mjs|py|c|md))`/g)].map(([, file]) => ({ document, file })));
  assert.ok(named.length > 20, 'documents name files');
  const missing = named.filter(({ file }) => {
    const path = file.replace(/^(\.\.?\/)+/, '');
    return !FILES.some((one) => one === path || one.endsWith(`/${path}`));
  });
  assert.deepEqual(missing, []);
});
