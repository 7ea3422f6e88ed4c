import assert from "node:assert/strict";
import test from "node:test";
import { LARGEST, Queue, worthAgain, type Fate } from "../src/photos/upload-queue";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const file = (name: string, size = 3, type = "image/jpeg"): File =>
  ({ name, size, type }) as unknown as File;

interface Sent {
  name: string;
  as: string;
  part: (part: number) => void;
  done: (already?: boolean) => void;
  fail: (error: unknown) => void;
}

function start(): { queue: Queue; sent: Sent[]; fates: () => Fate["is"][] } {
  const sent: Sent[] = [];
  const queue = new Queue(
    (file, as, part) =>
      new Promise((resolve, fail) => {
        const done = (already = false): void => resolve({ id: "X", already });
        sent.push({ name: file.name, as, part, done, fail });
      }),
  );
  return { queue, sent, fates: () => queue.uploads.value.map(({ fate }) => fate.is) };
}

test("three at once, the others wait for their turn, in order", async () => {
  const { queue, sent, fates } = start();
  queue.add(["a", "b", "c", "d", "e"].map((name) => file(name)));
  assert.deepEqual(
    sent.map(({ name }) => name),
    ["a", "b", "c"],
  );
  assert.deepEqual(fates(), ["sending", "sending", "sending", "waiting", "waiting"]);
  sent[1]!.done();
  await turn();
  assert.deepEqual(
    sent.map(({ name }) => name),
    ["a", "b", "c", "d"],
  );
  assert.deepEqual(fates(), ["sending", "stored", "sending", "sending", "waiting"]);
  for (const { done } of sent) done();
  await turn();
  sent.at(-1)!.done();
  await turn();
  assert.deepEqual(fates(), Array(5).fill("stored"));
});

test("it is stored when the gallery says so, not when all of it has left", async () => {
  const { queue, sent } = start();
  queue.add([file("a")]);
  sent[0]!.part(0.64);
  assert.deepEqual(queue.uploads.value[0]!.fate, { is: "sending", part: 0.64 });
  sent[0]!.part(1);
  await turn();
  assert.equal(queue.uploads.value[0]!.fate.is, "sending");
  sent[0]!.done();
  await turn();
  assert.equal(queue.uploads.value[0]!.fate.is, "stored");
});

test("what is too large or no picture is refused before it is sent", () => {
  const { queue, sent } = start();
  queue.add([
    file("big", LARGEST + 1),
    file("just", LARGEST),
    file("text", 3, "text/plain"),
    file("unknown", 3, ""),
  ]);
  assert.deepEqual(
    sent.map(({ name }) => name),
    ["just", "unknown"],
  );
  const [big, , text] = queue.uploads.value.map(({ fate }) => fate);
  assert.deepEqual(big, { is: "failed", status: 413, said: "" });
  assert.deepEqual(text, { is: "failed", status: 415, said: "" });
});

test("a failure says why, blocks no other, and can be tried again", async () => {
  const { queue, sent, fates } = start();
  queue.add(["a", "b", "c", "d"].map((name) => file(name)));
  sent[0]!.fail({ status: 507, message: "the disk is full" });
  await turn();
  assert.deepEqual(fates(), ["failed", "sending", "sending", "sending"]);
  const { key, fate } = queue.uploads.value[0]!;
  assert.deepEqual(fate, { is: "failed", status: 507, said: "the disk is full" });
  queue.again(key);
  assert.equal(fates()[0], "waiting");
  sent[1]!.done();
  await turn();
  assert.equal(sent.at(-1)!.name, "a");
  assert.equal(fates()[0], "sending");
});

test("an upload keeps its name when it is tried again, and each has its own", async () => {
  const { queue, sent } = start();
  queue.add([file("a"), file("a")]);
  assert.notEqual(sent[0]!.as, sent[1]!.as);
  sent[0]!.fail({ status: 0, message: "" });
  await turn();
  queue.again(queue.uploads.value[0]!.key);
  assert.equal(sent[2]!.as, sent[0]!.as);
  sent[2]!.done(true);
  await turn();
  assert.deepEqual(queue.uploads.value[0]!.fate, { is: "stored", id: "X", already: true });
});

test("what has ended can be cleared, what is on its way stays", async () => {
  const { queue, sent, fates } = start();
  queue.add(["a", "b", "c"].map((name) => file(name)));
  sent[0]!.done();
  sent[1]!.fail({ status: 415, message: "" });
  await turn();
  queue.clear();
  assert.deepEqual(fates(), ["sending"]);
});

test("another try helps where the gallery was away or full, not with another picture", () => {
  for (const status of [0, 408, 429, 500, 503, 507]) assert.ok(worthAgain({ status }), `${status}`);
  for (const status of [400, 403, 413, 415]) assert.ok(!worthAgain({ status }), `${status}`);
});
