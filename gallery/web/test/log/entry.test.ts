import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { en } from "../../src/words/english";
import { entryFacts, entryText, groupText, readEntry, type Entry } from "../../src/log/entry";
import { groups } from "../../src/log/groups";
import { languages } from "../../src/words/words";

const read = (name: string): unknown[] =>
  JSON.parse(readFileSync(`../../wire/golden/${name}.json`, "utf8")) as unknown[];
const golden = read("log");
const called = (camera: string): string => `<${camera}>`;

test("every entry of the golden log is read, and has a line in each language", () => {
  for (const words of Object.values(languages)) {
    const lines = golden.map((raw) => entryText(readEntry(raw)!, called, words));
    assert.equal(new Set(lines).size, golden.length, lines.join("\n"));
    for (const line of lines) assert.doesNotMatch(line, /undefined|null|^\s*$/);
  }
});

test("who came, who was refused and who may come has a line in each language, and facts", () => {
  const entries = read("log-logins").map((raw) => readEntry(raw)!);
  for (const words of Object.values(languages)) {
    const lines = entries.map((entry) => [
      entryText(entry, called, words),
      entryFacts(entry, words),
    ]);
    assert.equal(new Set(lines.map(String)).size, entries.length, lines.join("\n"));
    for (const line of lines) assert.doesNotMatch(line.join(), /undefined|null|\[object/);
  }
  const lines = entries.map((entry) => [entryText(entry, called, en), entryFacts(entry, en)]);
  assert.deepEqual(lines, [
    ["marta logged in", "Firefox on Linux, from 192.168.0.7"],
    ["marta logged out", ""],
    ["marta logged leo out", "Three devices"],
    ["A wrong password", "From fd00::7"],
    ["1200 wrong passwords", "From many addresses"],
    ["leo may come from now on", "Viewer, by marta"],
    ["leo was changed", "Operator, by marta"],
    ["leo has a new password", "Operator, on the machine itself"],
    ["leo was removed", "On the machine itself"],
  ]);
});

test("lines are as the gallery's own sentences mean them", () => {
  const lines = golden.map((raw) => entryText(readEntry(raw)!, called, en));
  assert.equal(lines[0], "<workshop> is online");
  assert.equal(lines[3], "Bench: Unplugged");
  assert.equal(lines[5], "New photo from Bench");
  assert.equal(lines[6], "Photo: brought back");
  assert.match(lines[8]!, /^Photo by Ana, .*2025.*: deleted$/);
  assert.equal(lines[10], "Ana left, the connection was lost");
  assert.equal(lines[12], "Photo requested from <workshop/bench>");
  assert.equal(lines[17], "workshop: the name is “Werkstatt” now");
  assert.equal(lines[18], "workshop: the name was taken away");
  const title = { id: 1, at: 1, event: "set", camera: "workshop/bench", control: "title" };
  const line = (value: string): string => entryText(readEntry({ ...title, value })!, called, en);
  assert.equal(line("北门"), "workshop/bench: the name is “北门” now");
  assert.equal(line(""), "workshop/bench: the name was taken away");
});

test("the camera of a page is called after who shows it", () => {
  const raw = { id: 1, at: 1, event: "camera", camera: "web-k3j9/camera", name: "Ana" };
  const line = (state: string): string => entryText(readEntry({ ...raw, state })!, called, en);
  assert.equal(line("live"), "Ana shows a camera");
  assert.equal(line("off"), "Ana stopped showing a camera");
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

const ANA = { id: "k3j9", name: "Ana" };
const BO = { id: "p7", name: "Bo" };
const PHOTO = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** What happened, each a second after the one before, as lines, newest first. */
function told(...events: object[]): string[] {
  const noon = new Date(2026, 10, 20, 12).getTime();
  const entries = events.map((event, n): Entry => {
    const raw = { id: n + 1, at: noon + n * 1_000, ...event };
    return readEntry(raw) ?? assert.fail(JSON.stringify(raw));
  });
  return groups(entries.reverse()).map((group) => groupText(group, called, en));
}

test("a line names what was pinned, captioned, deleted or brought back", () => {
  const taken = new Date().setHours(0, 0, 0, 0);
  const of = { photo: PHOTO, person: ANA, taken };
  const changed = { event: "changed", ...of };
  assert.deepEqual(
    told(
      { ...changed, what: ["pin"], pinned: true },
      { ...changed, what: ["caption"], caption: "Cake" },
      { ...changed, what: ["pin"] },
      { ...changed, what: ["caption"] },
      { ...changed, what: ["caption", "pin"], caption: "Cake", pinned: true },
      { event: "deleted", ...of },
      { event: "stored", ...of, back: true },
    )
      .reverse()
      .map((line) => line.replace(/^Photo by Ana, today [^,]*?(?=: )/, "")),
    [
      "pinned",
      "caption “Cake”",
      "no longer pinned",
      "caption removed",
      "caption “Cake”, pinned",
      "deleted",
      "brought back",
    ].map((what) => `: ${what}`),
  );
});

test("what comes together is one line", () => {
  const joined = (name: string): object => ({ event: "joined", person: { id: "x", name } });
  const stored = (more: object): object => ({ event: "stored", photo: PHOTO, ...more });
  const gone = { event: "deleted", photo: PHOTO };
  const node = { event: "node", node: "pi", online: true };
  assert.deepEqual(told(stored({ person: ANA }), stored({ person: ANA })), ["2 new photos by Ana"]);
  assert.deepEqual(told(stored({ person: ANA }), stored({ person: BO })), [
    "New photo by Bo",
    "New photo by Ana",
  ]);
  assert.deepEqual(told(stored({ name: "Bench" }), stored({ name: "Bench" })), [
    "2 new photos from Bench",
  ]);
  assert.deepEqual(told(...["Ana", "Bo", "Cy", "Di", "Eli"].map(joined)), [
    "Ana, Bo, Cy and 2 more joined",
  ]);
  assert.deepEqual(told(joined("Ana"), joined("Ana")), ["Ana joined (2 times)"]);
  assert.deepEqual(told(gone, gone, gone), ["3 photos deleted"]);
  assert.deepEqual(told({ event: "missed", count: 2 }, { event: "missed", count: 3 }), [
    "5 more events",
  ]);
  assert.deepEqual(told(node, node), ["<pi> is online (2 times)"]);
});

test("what is of another kind, or of another time, has a line of its own", () => {
  const node = (online: boolean): object => ({ event: "node", node: "pi", online });
  assert.deepEqual(told(node(true), node(false)), ["<pi> is offline", "<pi> is online"]);
  const gone = (at: number): object => ({ event: "deleted", photo: PHOTO, at });
  assert.equal(told(gone(0), gone(61_000)).length, 2);
  assert.equal(told(gone(0), gone(60_000)).length, 1);
  const captioned = (caption: string): object => {
    return { event: "changed", photo: PHOTO, what: ["caption"], caption };
  };
  assert.equal(told(captioned("a"), captioned("b")).length, 2);
});
