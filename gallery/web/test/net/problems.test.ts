import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { en } from "../../src/words/words";

test("the page knows no problem that the gallery does not have", () => {
  const documented = readFileSync("../../docs/protocol.md", "utf8");
  for (const code of Object.keys(en.problems)) assert.ok(documented.includes(`\`${code}\``), code);
});
