import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { Answers } from "../../src/net/connection/answers";

/** Answers, what they sent, and a clock that the test turns. */
function fixture(t: TestContext) {
  let now = 1000;
  let due: { at: number; then: () => void } | undefined;
  const start = (then: () => void, ms: number): unknown => (due = { at: now + ms, then });
  t.mock.method(globalThis, "setTimeout", start as typeof setTimeout);
  t.mock.method(globalThis, "clearTimeout", () => (due = undefined));
  const sent: number[][] = [];
  const send = (message: ArrayBuffer): void => void sent.push([...new Uint32Array(message)]);
  const answers = new Answers(send);
  const pass = (ms: number): void => {
    now += ms;
    if (due && due.at <= now) due.then();
  };
  return { answers, sent, pass };
}

test("what may not wait is told at once, with what did", (t) => {
  const { answers, sent, pass } = fixture(t);
  answers.add(1, false);
  answers.add(2, true);
  pass(33);
  assert.deepEqual(sent, [[1]]);
  answers.add(3, false);
  assert.deepEqual(sent, [[1], [2, 3]]);
  pass(100);
  assert.equal(sent.length, 2, "nothing is left");
});

test("three fill a message", (t) => {
  const { answers, sent } = fixture(t);
  for (const serial of [1, 2, 3, 4, 5]) answers.add(serial, true);
  assert.deepEqual(sent, [[1, 2, 3]]);
});

test("after a tenth of a second nothing waits any more", (t) => {
  const { answers, sent, pass } = fixture(t);
  answers.add(1, true);
  pass(60);
  answers.add(2, true);
  pass(39);
  assert.deepEqual(sent, []);
  pass(1);
  assert.deepEqual(sent, [[1, 2]]);
});
