import assert from "node:assert/strict";
import test from "node:test";
import { append, withWords } from "../../src/people/talk/lines";
import { MOST, Outbox } from "../../src/people/talk/outbox";
import { Shelf, type Storage, type Word } from "../../src/people/talk/shelf";
import type { Line } from "../../src/people/wire";

/** What `localStorage` does, shared by tabs. */
class Memory implements Storage {
  readonly all = new Map<string, string>();
  get length(): number {
    return this.all.size;
  }
  key(n: number): string | null {
    return [...this.all.keys()][n] ?? null;
  }
  getItem(name: string): string | null {
    return this.all.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.all.set(name, value);
  }
  removeItem(name: string): void {
    this.all.delete(name);
  }
}

/** An id that is the same each time. */
const id = (n: number): string => `01ARZ3NDEKTSV4RRFFQ69G5${String(n).padStart(3, "0")}`;

/** A tab of a browser and what it sends. */
class Tab {
  open = true;
  readonly sent: string[] = [];
  readonly outbox: Outbox;

  constructor(storage: Storage | null = new Memory(), name = "a") {
    const send = ({ text }: Word): boolean => {
      if (this.open) this.sent.push(text);
      return this.open;
    };
    this.outbox = new Outbox(send, new Shelf(storage, "unsaid#"), name);
  }

  get waiting(): string[] {
    return this.outbox.words.value.filter(({ never }) => !never).map(({ text }) => text);
  }
}

test("one message goes after another, and each waits until it was heard", () => {
  const { outbox, sent } = new Tab();
  outbox.say(id(1), "1", 0);
  outbox.say(id(2), "2", 0);
  assert.deepEqual(sent, ["1"]);
  assert.equal(outbox.words.value.length, 2);
  outbox.heard([id(1)], 10);
  assert.deepEqual(sent, ["1", "2"]);
  outbox.heard([id(2), id(7)], 20);
  assert.deepEqual(outbox.words.value, []);
});

test("what is held back goes when it may, before what was said later", () => {
  const { outbox, sent } = new Tab();
  outbox.say(id(1), "1", 0);
  outbox.say(id(2), "2", 0);
  outbox.held(id(1), 4, "too much at once", 100);
  assert.equal(outbox.until.value, 4_100);
  outbox.say(id(3), "3", 200);
  outbox.tick(4_000);
  assert.deepEqual(sent, ["1"]);
  outbox.tick(4_100);
  assert.equal(outbox.until.value, null);
  outbox.heard([id(1)], 4_150);
  outbox.heard([id(2)], 4_200);
  assert.deepEqual(sent, ["1", "1", "2", "3"]);
});

test("what can never be said tells why, does not hold up the next, and is given back", () => {
  const { outbox, sent } = new Tab();
  outbox.say(id(1), "bad", 0);
  outbox.say(id(2), "good", 0);
  outbox.held(id(1), undefined, "it cannot be shown", 10);
  assert.deepEqual(outbox.words.value[0]?.never, { said: "it cannot be shown" });
  assert.deepEqual(sent, ["bad", "good"]);
  outbox.tick(60_000);
  assert.deepEqual(sent, ["bad", "good", "good"], "it is not tried again");
  assert.equal(outbox.take(id(1)), "bad");
  assert.equal(outbox.take(id(1)), null);
  assert.deepEqual(
    outbox.words.value.map(({ text }) => text),
    ["good"],
  );
});

test("through an outage of any length it waits, and goes again until it is heard", () => {
  const tab = new Tab();
  tab.outbox.say(id(1), "sent and not heard", 0);
  tab.open = false;
  tab.outbox.lost();
  tab.outbox.say(id(2), "said while nobody hears", 10);
  const days = 3 * 24 * 3_600_000;
  for (let now = 0; now < days; now += 60_000) tab.outbox.tick(now);
  assert.deepEqual(tab.sent, ["sent and not heard"]);
  tab.open = true;
  tab.outbox.tick(days);
  tab.outbox.lost();
  tab.outbox.tick(days + 1);
  assert.deepEqual(tab.sent, Array(3).fill("sent and not heard"));
  tab.outbox.tick(days + 4_999);
  assert.equal(tab.sent.length, 3, "an echo may take its time");
  tab.outbox.tick(days + 5_001);
  assert.equal(tab.sent.length, 4);
  tab.outbox.heard([id(1)], days + 6_000);
  assert.equal(tab.sent.at(-1), "said while nobody hears");
});

test("a page that is loaded again says what the one before had not", () => {
  const storage = new Memory();
  const before = new Tab(storage, "a");
  before.open = false;
  before.outbox.say(id(1), "1", 0);
  before.outbox.say(id(2), "2", 1);
  const after = new Tab(storage, "b");
  assert.deepEqual(after.waiting, ["1", "2"]);
  after.outbox.tick(10);
  after.outbox.heard([id(1)], 20);
  assert.deepEqual(after.sent, ["1", "2"]);
  assert.deepEqual(new Tab(storage, "c").waiting, ["2"]);
});

test("two tabs do not say it twice, and one goes on where the other ends", () => {
  const storage = new Memory();
  const [a, b] = [new Tab(storage, "a"), new Tab(storage, "b")];
  a.outbox.say(id(1), "1", 1_000);
  b.outbox.say(id(2), "2", 1_001);
  b.outbox.tick(2_000);
  assert.deepEqual([a.sent, b.sent], [["1"], []], "the first of all tabs goes first");
  assert.deepEqual(b.waiting, ["1", "2"], "both show both");
  // The first is closed before it has heard itself.
  b.outbox.tick(6_001);
  assert.deepEqual(b.sent, ["1"]);
  b.outbox.heard([id(1)], 6_002);
  assert.deepEqual(b.sent, ["1", "2"]);
  a.outbox.tick(6_003);
  assert.deepEqual([a.sent, a.waiting], [["1"], ["2"]]);
});

test("a clock that was set back holds nothing up", () => {
  const tab = new Tab();
  tab.outbox.say(id(1), "1", 1_000_000);
  tab.outbox.tick(500);
  assert.deepEqual(tab.sent, ["1", "1"]);
});

test("who leaves says no more, and has it back", () => {
  const tab = new Tab();
  tab.open = false;
  tab.outbox.say(id(1), "1", 0);
  tab.outbox.leave(10);
  tab.open = true;
  tab.outbox.tick(20);
  assert.deepEqual([tab.sent, tab.outbox.words.value[0]?.never], [[], "left"]);
  assert.equal(tab.outbox.take(id(1)), "1");
});

test("what waits has a bound, and what is refused for it is not lost: the field keeps it", () => {
  const tab = new Tab();
  tab.open = false;
  for (let n = 0; n < MOST; n++) assert.ok(tab.outbox.say(id(n), `${n}`, n));
  assert.ok(!tab.outbox.say(id(99), "one too many", 99));
  assert.equal(tab.outbox.words.value.length, MOST);
  tab.outbox.held(id(0), undefined, "it cannot be shown", 100);
  assert.ok(tab.outbox.say(id(99), "what will never be said does not wait", 101));
});

test("without storage, or with a full one, it waits as long as the page is there", () => {
  const full = new Memory();
  full.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  for (const storage of [null, full]) {
    const tab = new Tab(storage);
    tab.open = false;
    tab.outbox.say(id(1), "1", 0);
    tab.open = true;
    tab.outbox.tick(10);
    assert.deepEqual(tab.sent, ["1"]);
    tab.outbox.heard([id(1)], 20);
    assert.deepEqual(tab.waiting, []);
  }
});

test("whatever stands in the storage, there are words or none", () => {
  const storage = new Memory();
  const good = { id: id(1), text: "good", at: 1 };
  const strange: unknown[] = [null, 7, [], {}, { ...good, id: "1" }, { ...good, text: "" }];
  strange.forEach((value, n) => storage.setItem(`unsaid#${n}`, JSON.stringify(value)));
  storage.setItem("unsaid#x", "{");
  storage.setItem("unsaid/below#y", JSON.stringify({ ...good, text: "of another gallery" }));
  storage.setItem(`unsaid#${id(1)}`, JSON.stringify({ ...good, sent: 7, never: { said: "" } }));
  const tab = new Tab(storage);
  assert.deepEqual(tab.outbox.words.value, [good]);
});

const me = { id: "me", name: "Ana" };
const line = (n: number, at: number): Line => ({
  id: id(n),
  at,
  person: { id: "bo", name: "Bo" },
  what: "said",
  text: `${n}`,
});

test("what waits stands at the end, what failed where it was tried, and what was heard once", () => {
  const lines = append([], [line(1, 10), line(2, 20), line(3, 30)]);
  const words: Word[] = [
    { id: id(7), text: "never", at: 15, never: { said: "no" } },
    { id: id(8), text: "waits", at: 12 },
    { id: id(3), text: "3", at: 11 },
  ];
  const told = withWords(lines, words, me);
  assert.deepEqual(
    told.map(({ id }) => id),
    [1, 7, 2, 3, 8].map(id),
  );
  assert.equal(told[3]?.word, undefined);
  assert.equal(withWords(lines, [], me), lines);
});
