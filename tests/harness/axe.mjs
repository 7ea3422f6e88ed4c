// What axe finds wrong in a page: rules of accessibility, with the elements that break them.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Each violation as `[rule, …HTML of its elements]`. */
export async function violations(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate('axe.run()');
  return violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
}
