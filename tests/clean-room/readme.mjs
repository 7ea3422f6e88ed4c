// The README's words, as somebody would copy them from there.

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';

const TEXT = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** What stands under a heading. */
export function section(heading) {
  const found = TEXT.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(found, `the README has a section '${heading}'`);
  return found;
}

/** The lines of its code, block by block, without the remarks behind them. */
export function code(heading) {
  const blocks = [...section(heading).matchAll(/^```\n(.*?)^```$/gms)];
  return blocks.map(([, block]) => block.trimEnd().split('\n').map((line) => line.replace(/\s{2,}#.*$/, '')));
}

/** The first thing that `pattern` finds in a section: what its group holds. */
export function words(heading, pattern) {
  const found = pattern.exec(section(heading));
  assert.ok(found, `the README's '${heading}' has ${pattern}`);
  return found[1];
}
