import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { Answers } from "../src/answers";

/** Answers, what they sent, and a clock that the test turns. */
function fixture(t: TestContext, measures = false) {
  let now = 1000;
  let due: { at: number; then: () => void } | undefined;
  const start = (then: () => void, ms: number): unknown => (due = { at: now + ms, then });
  t.mock.method(performance, "now", () => now);
  t.mock.method(globalThis, "setTimeout", start as typeof setTimeout);
  t.mock.method(globalThis, "clearTimeout", () => (due = undefined));
  const sent: number[][] = [];
  const send = (message: ArrayBuffer): void => void sent.push([...new Uint32Array(message)]);
  const answers = new Answers(send, () => measures);
  const pass = (ms: number): void => {
    now += ms;
    if (due && due.at <= now) due.then();
  };
  return { answers, sent, pass };
}

test("a single camera's frames are answered at once", (t) => {
  const { answers, sent, pass } = fixture(t);
  for (const serial of [1, 2, 3]) {
    answers.add(serial);
    assert.deepEqual(sent.at(-1), [serial]);
    pass(33);
  }
});

test("frames of many cameras are answered together, soon", (t) => {
  const { answers, sent, pass } = fixture(t);
  answers.add(1);
  pass(12);
  answers.add(2);
  pass(12);
  answers.add(3);
  assert.deepEqual(sent, [[1]]);
  pass(9);
  assert.deepEqual(sent, [[1], [2, 3]]);
  pass(100);
  assert.equal(sent.length, 2, "nothing is left");
});

test("three fill a message", (t) => {
  const { answers, sent } = fixture(t);
  for (const serial of [1, 2, 3, 4, 5]) answers.add(serial);
  assert.deepEqual(sent, [[1], [2, 3, 4]]);
});

test("what measures is told at once", (t) => {
  const { answers, sent } = fixture(t, true);
  for (const serial of [1, 2]) answers.add(serial);
  assert.deepEqual(sent, [[1], [2]]);
});
