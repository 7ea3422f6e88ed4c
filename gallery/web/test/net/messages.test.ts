import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { parseMessage, type FromPage } from "../../src/net/messages";

interface Golden {
  from: unknown[];
  to: unknown[];
}

const golden = JSON.parse(readFileSync("../../wire/golden/page.json", "utf8")) as Golden;

test("golden messages are read without loss", () => {
  for (const message of golden.to) {
    const read = parseMessage(JSON.stringify(message));
    assert.deepEqual(read, message);
  }
});

test("what the page says is what the golden messages say", () => {
  // A page of an earlier version gives its words no id.
  const said: (FromPage | { type: "say"; text: string })[] = [
    { type: "watch", tiles: [{ tile: 0, camera: "workshop/bench", width: 640, fps: 30 }] },
    { type: "watch", tiles: [] },
    { type: "pause" },
    { type: "resume" },
    { type: "join", name: "Ana" },
    { type: "join", name: "Ana", id: "k3j9", key: "c2VjcmV0" },
    { type: "leave" },
    { type: "say", text: "Hello" },
    { type: "say", text: "Hello", id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" },
    { type: "share", name: "Ana", size: "1280x720" },
    { type: "unshare" },
    { type: "log", follow: true },
    { type: "measure", on: true },
  ];
  assert.deepEqual(said, golden.from);
});

test("what is not understood is null, never an error", () => {
  const strange = ["", "{", "null", "[]", '"cameras"', "7", '{"type":"say"}', '{"type":"cameras"}'];
  for (const text of [...strange, '{"type":"cameras","now":1,"cameras":{}}']) {
    assert.equal(parseMessage(text), null, text);
  }
});

test("a cut message is null", () => {
  const text = JSON.stringify(golden.to[0]);
  for (let length = 0; length < text.length; length++) {
    assert.equal(parseMessage(text.slice(0, length)), null);
  }
});

test("one bad camera does not hide the others", () => {
  const good = { camera: "a/b", name: "B", kind: "v4l2", state: "live", since: 1 };
  const bad = [null, 7, {}, { ...good, camera: "../b" }, { ...good, since: "now" }];
  const read = parseMessage(JSON.stringify({ type: "cameras", now: 1, cameras: [...bad, good] }));
  assert.deepEqual(read, { type: "cameras", now: 1, cameras: [good] });
});

test("a state and a reason of a later version are accepted, and not live", () => {
  const later = { camera: "a/b", name: "", state: "dreaming", reason: "moon", since: 1, new: [] };
  const read = parseMessage(JSON.stringify({ type: "cameras", now: 1, cameras: [later] }));
  assert.deepEqual(read, {
    type: "cameras",
    now: 1,
    cameras: [{ camera: "a/b", name: "a/b", kind: "", state: "error", reason: "moon", since: 1 }],
  });
});

test("a camera of a page that is off has ended, one of a node is off", () => {
  const state = (kind: string): string | undefined => {
    const camera = { camera: "web-k3j9/camera", kind, state: "off", since: 1 };
    const read = parseMessage(JSON.stringify({ type: "cameras", now: 1, cameras: [camera] }));
    return read?.type === "cameras" ? read.cameras[0]?.state : undefined;
  };
  assert.equal(state("browser"), "ended");
  assert.equal(state("v4l2"), "off");
});
