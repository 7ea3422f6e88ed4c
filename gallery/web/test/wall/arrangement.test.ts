// An arrangement of the wall: what it does to the order, and the text that keeps it.

import assert from "node:assert/strict";
import test from "node:test";
import {
  ADDRESS,
  hide,
  inOrder,
  moved,
  PLAIN,
  readArrangement,
  unhide,
  writeArrangement,
  type Arrangement,
} from "../../src/wall/arrange/arrangement";

const HERE = ["a/1", "a/2", "b/1", "b/2"];

function shownOf(arrangement: Arrangement, here = HERE): string[] {
  const cameras = here.map((camera) => ({ camera }));
  return inOrder(cameras, arrangement.order)
    .map(({ camera }) => camera)
    .filter((camera) => !arrangement.hidden.includes(camera));
}

test("a camera moves to each place, and the others keep their order", () => {
  for (const camera of HERE) {
    for (let place = 0; place < HERE.length; place++) {
      const shown = shownOf(moved(PLAIN, HERE, camera, place));
      assert.equal(shown.indexOf(camera), place);
      const rest = HERE.filter((name) => name !== camera);
      assert.deepEqual(
        shown.filter((name) => name !== camera),
        rest,
      );
    }
  }
});

test("what is put back as the gallery has it is not kept", () => {
  const there = moved(PLAIN, HERE, "a/1", 2);
  assert.deepEqual(there.order, ["a/2", "b/1", "a/1", "b/2"]);
  assert.deepEqual(moved(there, HERE, "a/1", 0), PLAIN);
});

test("a new camera comes last, one that was away comes back to its place", () => {
  const mine = moved(PLAIN, HERE, "b/2", 0);
  assert.deepEqual(shownOf(mine, ["a/0", ...HERE]), ["b/2", "a/1", "a/2", "b/1", "a/0"]);
  assert.deepEqual(shownOf(mine, ["a/2", "b/2"]), ["b/2", "a/2"]);
  // Also if others were moved meanwhile.
  const later = moved(mine, ["a/2", "b/1", "b/2"], "b/1", 0);
  assert.deepEqual(shownOf(later), ["b/1", "b/2", "a/1", "a/2"]);
});

test("a hidden camera stays hidden, keeps its place, and is no place for others", () => {
  const hidden = hide(PLAIN, HERE, "a/2");
  assert.deepEqual(shownOf(hidden), ["a/1", "b/1", "b/2"]);
  assert.equal(hide(hidden, HERE, "a/2"), hidden);
  const mine = moved(hidden, HERE, "b/2", 1);
  assert.deepEqual(shownOf(mine), ["a/1", "b/2", "b/1"]);
  assert.deepEqual(shownOf(moved(hidden, HERE, "a/1", 2)), ["b/1", "b/2", "a/1"]);
  assert.deepEqual(shownOf(unhide(hidden, ["a/2"])), HERE);
  assert.equal(hide({ ...PLAIN, large: "a/2" }, HERE, "a/2").large, null);
});

test("what an arrangement says of itself is read again", () => {
  const all: Arrangement[] = [
    { layout: "large", large: "b/1", hidden: ["a/1"], order: ["b/2", "a/2"] },
    { layout: "2x2", large: null, hidden: [], order: [] },
    { layout: "automatic", large: null, hidden: ["x-1/y_2"], order: [] },
    { layout: "20x3", large: "a/1", hidden: HERE, order: HERE },
  ];
  for (const arrangement of all) {
    const text = writeArrangement(arrangement);
    assert.deepEqual(readArrangement(text), arrangement, text);
    assert.deepEqual(readArrangement(`?photos=1&${text}`), arrangement, text);
    // As a form or a messenger may write it.
    assert.deepEqual(
      readArrangement(text.replaceAll("/", "%2F").replaceAll(",", "%2C")),
      arrangement,
    );
  }
  assert.equal(writeArrangement(PLAIN), "");
  assert.equal(readArrangement(""), null);
  assert.equal(readArrangement("?photos=1&cycle=20"), null);
});

test("of what nobody wrote only what can be understood is read", () => {
  for (const layout of [
    "0x2",
    "2x0",
    "21x2",
    "2x2x2",
    "two",
    "",
    "-1x2",
    "2x",
    "__proto__",
    "2X2",
  ]) {
    assert.equal(readArrangement(`layout=${layout}&hide=a/1`)?.layout, "automatic", layout);
  }
  const hostile =
    "order=a/1,../../etc,<script>,a/1,B/1,a/1/2,a,,%00/x,a/" +
    "x".repeat(33) +
    ",constructor,b/2&large=%3Cb%3E";
  const read = readArrangement(hostile)!;
  assert.deepEqual(read.order, ["a/1", "b/2"]);
  assert.equal(read.large, null);
  const many = readArrangement(
    `hide=${Array.from({ length: 50_000 }, (_, i) => `a/${i}`).join()}`,
  )!;
  assert.equal(many.hidden.length, 1_000);
  assert.equal(readArrangement("order=a/1&order=b/1")?.order[0], "a/1");
});

test("an address stays short, and never has half a name", () => {
  const names = Array.from({ length: 500 }, (_, i) => `node-${i}/camera-of-it`);
  const arrangement = { layout: "3x3", large: names[3]!, hidden: names.slice(0, 9), order: names };
  const text = writeArrangement(arrangement, ADDRESS);
  assert.ok(text.length <= ADDRESS, `${text.length}`);
  const read = readArrangement(text)!;
  assert.deepEqual(read.hidden, arrangement.hidden, "what is hidden comes first");
  assert.deepEqual(read.order, names.slice(0, read.order.length));
  assert.ok(read.order.length > 100);
  for (let most = 0; most < 200; most++) {
    const short = writeArrangement({ ...arrangement, layout: "automatic", large: null }, most);
    assert.ok(short.length <= most, `${short.length} of ${most}`);
    for (const name of readArrangement(short)?.order ?? []) assert.ok(names.includes(name), name);
  }
});

test("what is kept has a bound: the first that are forgotten are those that are away", () => {
  let mine = PLAIN;
  const away = Array.from({ length: 1_200 }, (_, i) => `away/${i}`);
  for (const camera of away) mine = hide(mine, [camera], camera);
  mine = hide(mine, HERE, "b/1");
  assert.equal(mine.hidden.length, 1_000);
  assert.ok(mine.hidden.includes("b/1"));
  assert.ok(!mine.hidden.includes("away/0"));
  const order = moved({ ...PLAIN, order: [...HERE, ...away] }, HERE, "b/2", 0).order;
  assert.equal(order.length, 1_000);
  for (const camera of HERE) assert.ok(order.includes(camera), camera);
});
