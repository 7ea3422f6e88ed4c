// The programs of a class, as their authors wrote them: code blocks in texts, one text a system.
// None of them is part of this project, so where they are missing, tests run our own of the same kind.

import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child } from './child.mjs';
import { freePort } from './port.mjs';
import { folder } from './scratch.mjs';
import { until } from './until.mjs';

/** The folder with the texts: $SEEDS, else one beside the checkout. */
const SEEDS = process.env.SEEDS ?? fileURLToPath(new URL('../../../shared/seeds', import.meta.url));

/** The text of the system with this number, such as `000`; null where it is not there. */
export function spoken(number) {
  let name;
  try {
    name = readdirSync(SEEDS).find((name) => name.startsWith(`${number}_`));
  } catch {}
  return name ? readFileSync(join(SEEDS, name), 'utf8').replaceAll('\r\n', '\n') : null;
}

/** The code blocks of that text; null where it is not there. */
export function blocks(number) {
  const text = spoken(number);
  return text && [...text.matchAll(/```\w*\n([\s\S]*?)```/g)].map(([, code]) => code);
}

/** Says whose programs a test runs. */
export function tell(t, code) {
  t.diagnostic(code ? "with the authors' own programs" : `with programs of our own: there are none in ${SEEDS}`);
}

/** A new folder with these files, by path, in which Node.js finds the packages of the tests. */
export function project(files) {
  const root = folder('project');
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(root, 'node_modules'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** Runs a server of Node.js in a folder: `{url, stop}`. */
export async function server(root, file) {
  const port = await freePort();
  const child = new Child(process.execPath, [file], { cwd: root, env: { ...process.env, PORT: `${port}` } });
  child.stdout.resume();
  const url = `http://127.0.0.1:${port}/`;
  await until('the server answers', () => {
    if (!child.alive) throw new Error(child.stderr);
    return fetch(url);
  });
  child.unref();
  return { url, stop: () => child.kill() };
}
