import assert from "node:assert/strict";
import test from "node:test";
import { signal } from "@preact/signals";
import type { FileKind } from "../../src/photos/uploads/file-kind";
import { passes, Queue, type Fate } from "../../src/photos/uploads/upload-queue";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const file = (name: string, size = 3): File => ({ name, size }) as unknown as File;
const LIMITS = { bytes: 100, pixels: 1_000 };

interface Sent {
  name: string;
  as: string;
  stop: AbortSignal;
  part: (part: number) => void;
  done: (already?: boolean) => void;
  fail: (status: number, message?: string) => void;
}

function start(kind: (file: File) => FileKind = () => "taken") {
  const sent: Sent[] = [];
  const limits = { ...LIMITS };
  const [ready, linked] = [signal(true), signal(true)];
  const queue = new Queue(
    {
      kind: async (file) => kind(file),
      reads: async (kind) => kind === "AVIF",
      limits: async () => limits,
      asJpeg: async (made, { bytes }, hard) => {
        if (made.name === "hopeless") throw new Error("not here");
        return file(`${made.name}${hard ? ", hard" : ""}.jpg`, bytes);
      },
      send: (file, as, part, stop) =>
        new Promise((resolve, reject) => {
          const done = (already = false): void => resolve({ id: "X", already });
          const fail = (status: number, message = ""): void => reject({ status, message });
          stop.addEventListener("abort", () => fail(0));
          sent.push({ name: file.name, as, stop, part, done, fail });
        }),
    },
    ready,
    linked,
  );
  const all = (): Fate[] => queue.uploads.value.map(({ fate }) => fate);
  const fates = (): Fate["is"][] => all().map(({ is }) => is);
  const names = (): string[] => sent.map(({ name }) => name);
  const add = async (...files: (File | string)[]): Promise<void> => {
    queue.add(files.map((it) => (typeof it === "string" ? file(it) : it)));
    await turn();
  };
  return { queue, sent, limits, ready, linked, all, fates, names, add };
}

const real = { setTimeout, clearTimeout };

/** Timers that only `pass` moves; promises settle in between. */
function timers(): (ms: number) => Promise<void> {
  let now = 0;
  const all = new Set<{ at: number; act: () => void }>();
  const set = (act: () => void, ms: number): unknown => {
    const timer = { at: now + ms, act };
    all.add(timer);
    return timer;
  };
  const clear = (timer: unknown): void => void all.delete(timer as never);
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  return async (ms) => {
    for (const end = now + ms; now < end; now += 500) {
      for (const timer of all) if (timer.at <= now && all.delete(timer)) timer.act();
      await turn();
    }
  };
}

test.afterEach(() => Object.assign(globalThis, real));

test("three at once, the others wait for their turn, in order", async () => {
  const { add, sent, names, fates } = start();
  await add("a", "b", "c", "d", "e");
  assert.deepEqual(names(), ["a", "b", "c"]);
  assert.deepEqual(fates(), ["sending", "sending", "sending", "waiting", "waiting"]);
  sent[1]!.done();
  await turn();
  assert.deepEqual(names(), ["a", "b", "c", "d"]);
  assert.deepEqual(fates(), ["sending", "stored", "sending", "sending", "waiting"]);
  for (const { done } of sent) done();
  await turn();
  sent.at(-1)!.done();
  await turn();
  assert.deepEqual(fates(), Array(5).fill("stored"));
});

test("it is stored when the gallery says so, not when all of it has left", async () => {
  const { add, sent, all, fates } = start();
  await add("a");
  sent[0]!.part(0.64);
  assert.deepEqual(all()[0], { is: "sending", part: 0.64 });
  sent[0]!.part(1);
  await turn();
  assert.equal(fates()[0], "sending");
  sent[0]!.done();
  await turn();
  assert.equal(fates()[0], "stored");
});

test("what is not taken is told before it is sent, by the name of its kind", async () => {
  const { add, names, all } = start(({ name }) => {
    if (name === "lost") throw new Error("it was moved");
    return name as FileKind;
  });
  await add("taken", "none", "HEIC", "AVIF", "lost");
  assert.deepEqual(names(), ["taken"]);
  assert.deepEqual(all().slice(1), [
    { is: "failed", why: "none" },
    { is: "failed", why: "kind", kind: "HEIC", readable: false },
    { is: "failed", why: "kind", kind: "AVIF", readable: true },
    { is: "failed", why: "unreadable" },
  ]);
});

test("what is above the limit goes smaller, under another name", async () => {
  const { queue, add, sent, all, names } = start();
  await add(file("big", 101), file("just", 100), "pixels", file("hopeless", 101));
  assert.deepEqual(names(), ["just", "pixels"]);
  assert.deepEqual(all()[0], { is: "failed", why: "large", most: 100, said: "" });
  sent[1]!.fail(413, "too many pixels");
  await turn();
  assert.deepEqual(all()[2], { is: "failed", why: "large", most: null, said: "too many pixels" });
  for (const { key, file } of queue.uploads.value) {
    if (file.name !== "just") await queue.smaller(key);
  }
  await turn();
  assert.deepEqual(names().slice(2), ["big.jpg", "pixels, hard.jpg"]);
  assert.notEqual(sent[3]!.as, sent[1]!.as);
  assert.deepEqual(all()[3], { is: "failed", why: "unmade" });
});

test("it goes as it is if the gallery takes more by now", async () => {
  const { queue, add, limits, names } = start();
  await add(file("big", 101));
  limits.bytes = 200;
  await queue.smaller(queue.uploads.value[0]!.key);
  await turn();
  assert.deepEqual(names(), ["big"]);
});

test("a failure says why, blocks no other, and can be tried again", async () => {
  const { queue, add, sent, all, fates } = start();
  await add("a", "b", "c", "d");
  sent[0]!.fail(507, "the disk is full");
  await turn();
  assert.deepEqual(fates(), ["failed", "sending", "sending", "sending"]);
  assert.deepEqual(all()[0], { is: "failed", why: "full", said: "the disk is full" });
  queue.again(queue.uploads.value[0]!.key);
  assert.equal(fates()[0], "waiting");
  sent[1]!.done();
  await turn();
  assert.equal(sent.at(-1)!.name, "a");
  assert.equal(fates()[0], "sending");
});

test("what an outage loses goes on when the connection is back, however long it was", async () => {
  const pass = timers();
  const { add, sent, linked, fates, names } = start();
  await add("a", "b", "c", "d", "e");
  linked.value = false;
  for (const { fail } of sent) fail(0);
  await turn();
  assert.deepEqual(fates(), Array(5).fill("waiting"));
  for (let minute = 0; minute < 10; minute++) {
    await pass(60_000);
    for (const { fail } of sent) fail(0);
    await turn();
  }
  assert.deepEqual(fates(), Array(5).fill("waiting"));
  const tries = sent.length;
  assert.ok(tries < 100, `pauses grow: ${tries} tries in ten minutes`);
  linked.value = true;
  await turn();
  assert.deepEqual(names().slice(tries), ["a", "b", "c"]);
  for (let i = tries; i < tries + 5; i++) {
    sent[i]!.done();
    await turn();
  }
  assert.deepEqual(fates(), Array(5).fill("stored"));
});

test("while there is a connection, tries have an end", async () => {
  const pass = timers();
  const { add, sent, all } = start();
  await add("a");
  for (let tries = 0; tries < 100 && all()[0]!.is !== "failed"; tries++) {
    sent.at(-1)!.fail(503, "too many uploads");
    await pass(30_500);
  }
  assert.deepEqual(all()[0], { is: "failed", why: "away", said: "too many uploads" });
  assert.ok(sent.length > 3 && sent.length < 20, `${sent.length}`);
});

test("what does not move after the connection is back died with the old one", async () => {
  const pass = timers();
  const { add, sent, linked, fates } = start();
  await add("dead", "alive");
  linked.value = false;
  await pass(5_000);
  linked.value = true;
  sent[1]!.part(0.5);
  await pass(10_500);
  assert.deepEqual([sent[0]!.stop.aborted, sent[1]!.stop.aborted], [true, false]);
  await pass(2_000);
  assert.deepEqual([sent.at(-1)!.name, sent.at(-1)!.as], ["dead", sent[0]!.as]);
  sent[1]!.done();
  sent.at(-1)!.done(true);
  await turn();
  assert.deepEqual(fates(), ["stored", "stored"]);
});

test("what is here already because its answer was lost is called stored, another is not", async () => {
  const pass = timers();
  const { add, sent, all } = start();
  await add("mine", "known");
  sent[0]!.fail(0);
  sent[1]!.done(true);
  await turn();
  await pass(1_500);
  assert.equal(sent[2]!.as, sent[0]!.as);
  sent[2]!.done(true);
  await turn();
  assert.deepEqual(all(), [
    { is: "stored", id: "X", already: false },
    { is: "stored", id: "X", already: true },
  ]);
});

test("a file that is moved meanwhile is not mistaken for a lost connection", async () => {
  let there = true;
  const { add, sent, all } = start(() => {
    if (!there) throw new Error("it was moved");
    return "taken";
  });
  await add("a");
  there = false;
  sent[0]!.fail(0);
  await turn();
  assert.deepEqual(all()[0], { is: "failed", why: "unreadable" });
});

test("nothing is sent before it is known whose it is", async () => {
  const { add, ready, fates } = start();
  ready.value = false;
  await add("a");
  assert.deepEqual(fates(), ["waiting"]);
  ready.value = true;
  assert.deepEqual(fates(), ["sending"]);
});

test("what the gallery will never take is not tried again", async () => {
  const pass = timers();
  const { add, sent, all } = start();
  await add("broken", "gone", "odd");
  sent[0]!.fail(415, "it ends too early");
  sent[1]!.fail(410, "it was stored, and deleted since");
  sent[2]!.fail(500, "the store failed");
  await turn();
  await pass(60_000);
  assert.equal(sent.length, 3);
  assert.deepEqual(all(), [
    { is: "failed", why: "refused", said: "" },
    { is: "failed", why: "refused", said: "it was stored, and deleted since" },
    { is: "failed", why: "away", said: "the store failed" },
  ]);
});

test("what has ended can be cleared, what is on its way stays", async () => {
  const { queue, add, sent, fates } = start();
  await add("a", "b", "c");
  sent[0]!.done();
  sent[1]!.fail(415);
  await turn();
  queue.clear();
  assert.deepEqual(fates(), ["sending"]);
});

test("a lost connection passes by itself, a full disk or another picture does not", () => {
  for (const status of [0, 401, 408, 429, 502, 503, 504]) assert.ok(passes(status), `${status}`);
  for (const status of [400, 403, 410, 413, 415, 422, 507]) assert.ok(!passes(status), `${status}`);
});
