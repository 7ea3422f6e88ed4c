import assert from "node:assert/strict";
import test from "node:test";
import { Screens, type Picture } from "../../src/wall/tile/canvases";

/** Decoding that ends when the test says so. */
class Decoder {
  readonly asked: { jpeg: Blob; end: (good: boolean) => void }[] = [];

  constructor() {
    globalThis.createImageBitmap = ((jpeg: Blob) =>
      new Promise((resolve, reject) => {
        const bitmap = { width: 64, height: 36, close() {} };
        const end = (good: boolean): void => (good ? resolve(bitmap) : reject(new Error("broken")));
        this.asked.push({ jpeg, end });
      })) as unknown as typeof createImageBitmap;
  }

  async end(index: number, good = true): Promise<void> {
    this.asked[index]?.end(good);
    await new Promise(setImmediate);
  }
}

function canvas() {
  const calls: string[] = [];
  const context = { drawImage: () => calls.push("draw"), clearRect: () => calls.push("clear") };
  const element = { width: 300, height: 150, getContext: () => context };
  return { calls, element: element as unknown as OffscreenCanvas };
}

function picture(captured: number): Picture {
  return { jpeg: new Blob([String(captured)]), captured, least: false, came: 0 };
}

function setUp() {
  const decoder = new Decoder();
  const drawn: number[] = [];
  const screens = new Screens((_tile, { captured }) => drawn.push(captured));
  const answered: number[] = [];
  const show = (tile: number, captured: number): void =>
    screens.show(tile, picture(captured), () => answered.push(captured));
  return { decoder, drawn, screens, answered, show };
}

test("the newest wins, and each picture is answered once", async () => {
  const { decoder, drawn, screens, answered, show } = setUp();
  screens.add(1, "a/b", canvas().element);
  for (const captured of [1, 2, 3]) show(1, captured);
  assert.deepEqual(answered, [2]);
  await decoder.end(0);
  await decoder.end(1);
  assert.deepEqual(drawn, [1, 3]);
  assert.deepEqual(answered, [2, 1, 3]);
});

test("a picture for a tile that is not there is answered at once", () => {
  const { answered, show } = setUp();
  show(9, 1);
  assert.deepEqual(answered, [1]);
});

test("a tile closed while a picture waits for it answers each picture once", async () => {
  const { decoder, drawn, screens, answered, show } = setUp();
  screens.add(1, "a/b", canvas().element);
  show(1, 1);
  show(1, 2);
  screens.remove(1);
  await decoder.end(0);
  assert.deepEqual(answered, [2, 1]);
  assert.deepEqual(drawn, []);
  assert.equal(decoder.asked.length, 1);
});

test("a broken picture is answered, and the next is drawn", async () => {
  const { decoder, drawn, screens, answered, show } = setUp();
  screens.add(1, "a/b", canvas().element);
  show(1, 1);
  await decoder.end(0, false);
  show(1, 2);
  await decoder.end(1);
  assert.deepEqual(drawn, [2]);
  assert.deepEqual(answered, [1, 2]);
});

test("a new place for a camera shows its last picture at once", async () => {
  const { decoder, drawn, screens, show } = setUp();
  screens.add(1, "a/b", canvas().element);
  show(1, 1);
  await decoder.end(0);
  screens.add(2, "a/b", canvas().element);
  await decoder.end(1);
  assert.deepEqual(drawn, [1, 1]);
});

test("of a camera that is off nothing is seen any more, not even what was being decoded", async () => {
  const { decoder, drawn, screens, answered, show } = setUp();
  const { calls, element } = canvas();
  screens.add(1, "a/b", element);
  show(1, 1);
  await decoder.end(0);
  show(1, 2);
  show(1, 3);
  screens.keep(new Set(["c/d"]));
  await decoder.end(1);
  assert.deepEqual(calls, ["draw", "clear"]);
  assert.deepEqual(drawn, [1]);
  assert.deepEqual(answered, [1, 3, 2]);
  screens.add(2, "a/b", canvas().element);
  assert.equal(decoder.asked.length, 2);
});
