import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { en } from "../src/words/english";
import { entryText, readEntry } from "../src/log/entry";
import { es } from "../src/words/spanish";

const golden = JSON.parse(readFileSync("../../wire/golden/log.json", "utf8")) as unknown[];
const called = (camera: string): string => `<${camera}>`;

test("every entry of the golden log is read, and has a line in each language", () => {
  for (const words of [en, es]) {
    const lines = golden.map((raw) => entryText(readEntry(raw)!, called, words));
    assert.equal(new Set(lines).size, golden.length, lines.join("\n"));
    for (const line of lines) assert.doesNotMatch(line, /undefined|null|^\s*$/);
  }
});

test("lines are as the gallery's own sentences mean them", () => {
  const lines = golden.map((raw) => entryText(readEntry(raw)!, called, en));
  assert.equal(lines[0], "workshop is online");
  assert.equal(lines[3], "Bench: Unplugged");
  assert.equal(lines[6], "New photo by Ana");
  assert.equal(lines[10], "Ana left, the connection was lost");
  assert.equal(lines[12], "A photo is asked of <workshop/bench>");
});

test("the camera of a page is called after who shows it", () => {
  const raw = { id: 1, at: 1, event: "camera", camera: "web-k3j9/camera", name: "Ana" };
  const line = (state: string): string => entryText(readEntry({ ...raw, state })!, called, en);
  assert.equal(line("live"), "Ana shows a camera");
  assert.equal(line("off"), "Ana shows no camera any more");
});

test("what a later version or a stranger sends is passed over", () => {
  for (const raw of [
    null,
    {},
    { id: 1, at: 1, event: "eclipse" },
    { id: "1", at: 1, event: "deleted" },
    { id: 1, at: 1, event: "joined", person: { id: "../x", name: "Ana" } },
    { id: 1, at: 1, event: "snap", camera: "javascript:alert(1)" },
    { id: 1, at: 1, event: "stored", photo: "../../etc/passwd" },
  ]) {
    assert.equal(readEntry(raw), null, JSON.stringify(raw));
  }
});
