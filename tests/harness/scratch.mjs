// A folder of its own for each test process, removed at its end.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let root;

/** A new empty folder. */
export function folder(name = 'x') {
  if (!root) {
    root = mkdtempSync(join(tmpdir(), 'vitrina-test-'));
    process.on('exit', () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
  }
  return mkdtempSync(join(root, `${name}-`));
}
