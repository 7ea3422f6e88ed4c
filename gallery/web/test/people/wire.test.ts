import assert from "node:assert/strict";
import test from "node:test";
import { ownHeader } from "../../src/net/connection/frame";
import { append, follows, isAtEnd, unread } from "../../src/people/talk/lines";
import { parts, shownParts, withMention } from "../../src/people/talk/mention";
import { Pace, PREVIEW, type Size } from "../../src/webcam/pace";
import type { Line, Present } from "../../src/people/wire";
import { merge } from "../../src/people/presence";

const person = (id: string, since: number, name = id): Present => ({ id, name, since });
const said = (id: string, text = id): Line => ({
  id,
  at: 0,
  person: { id: "ana", name: "Ana" },
  what: "said",
  text,
});
const joined = (id: string): Line => ({
  id,
  at: 0,
  person: { id: "ana", name: "Ana" },
  what: "joined",
});

test("people stand in the order in which they came", () => {
  const all = merge([], [person("bo", 2), person("ana", 1)], []);
  assert.deepEqual(
    all.map(({ id }) => id),
    ["ana", "bo"],
  );
  const later = merge(all, [person("cy", 3), person("ana", 1, "Anita")], ["bo"]);
  assert.deepEqual(later, [person("ana", 1, "Anita"), person("cy", 3)]);
});

test("who left and came again in one message is here", () => {
  assert.deepEqual(merge([person("ana", 1)], [person("ana", 5)], ["ana"]), [person("ana", 5)]);
});

test("two who came at once keep their order", () => {
  const [a, b] = [person("a", 1), person("b", 1)];
  assert.deepEqual(merge([], [b, a], []), merge([], [a, b], []));
});

test("a line that comes twice is there once", () => {
  const lines = append([], [said("1"), said("2")]);
  assert.equal(append(lines, [said("1"), said("2")]), lines);
  assert.deepEqual(
    append(lines, [said("2"), said("3"), said("3")]).map(({ id }) => id),
    ["1", "2", "3"],
  );
});

test("the log has a bound", () => {
  const many = Array.from({ length: 1_500 }, (_, i) => said(`${i}`));
  const lines = append([], many);
  assert.equal(lines.length, 1_000);
  assert.equal(lines.at(-1)?.id, "1499");
});

test("what was said after the line read last is new; who came is not", () => {
  const lines = [said("1"), said("2"), joined("3"), said("4")];
  assert.equal(unread(lines, "1"), 2);
  assert.equal(unread(lines, "4"), 0);
  assert.equal(unread(lines, null), 0);
});

test("a line read that the log has dropped: all is new", () => {
  assert.equal(unread([said("2"), said("3")], "1"), 2);
});

test("the end is the end but for some pixels", () => {
  assert.ok(isAtEnd({ scrollTop: 480, clientHeight: 500, scrollHeight: 1_000 }));
  assert.ok(!isAtEnd({ scrollTop: 400, clientHeight: 500, scrollHeight: 1_000 }));
  assert.ok(isAtEnd({ scrollTop: 0, clientHeight: 500, scrollHeight: 300 }));
});

test("a view at the end follows it until a hand moves it up", () => {
  const smaller = { scrollTop: 500, clientHeight: 300, scrollHeight: 1_000 };
  assert.ok(follows(true, 500, smaller), "the room grew smaller below it");
  assert.ok(!follows(true, 700, smaller), "it was moved up");
  assert.ok(!follows(false, 400, smaller), "moved down, and not to the end");
  assert.ok(follows(false, 400, { ...smaller, scrollTop: 700 }), "moved to the end");
});

const PHOTO = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

test("photos and cameras are mentioned in a text", () => {
  assert.deepEqual(parts(`look: #photo/${PHOTO}, by #camera/workshop/bench.`), [
    { text: "look: " },
    { photo: PHOTO },
    { text: ", by " },
    { camera: "workshop/bench" },
    { text: "." },
  ]);
});

test("what is no mention stays text", () => {
  for (const text of [
    "",
    "#photo/",
    "#photo/01ARZ3",
    `#photo/${PHOTO}0`,
    "#photo/91ARZ3NDEKTSV4RRFFQ69G5FAV",
    "#camera/workshop",
    `#camera/a/${"b".repeat(33)}`,
    "# camera/a/b",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
  ]) {
    assert.deepEqual(parts(text), text === "" ? [] : [{ text }], text);
  }
});

test("parts put together are the text", () => {
  const text = `#camera/a/b#photo/${PHOTO}#camera/c/d e https://a.example/#photo/${PHOTO}, f`;
  const whole = parts(text)
    .map((part) =>
      "text" in part
        ? part.text
        : "photo" in part
          ? `#photo/${part.photo}`
          : "link" in part
            ? part.link
            : `#camera/${part.camera}`,
    )
    .join("");
  assert.equal(whole, text);
});

test("addresses are links as they were typed, without what belongs to the sentence", () => {
  for (const [text, ...links] of [
    ["see https://example.org/a?b=c#d.", "https://example.org/a?b=c#d"],
    ["(http://192.168.1.20:8080/)", "http://192.168.1.20:8080/"],
    ["https://en.wikipedia.org/wiki/Lens_(optics)", "https://en.wikipedia.org/wiki/Lens_(optics)"],
    [
      "(https://en.wikipedia.org/wiki/Lens_(optics))",
      "https://en.wikipedia.org/wiki/Lens_(optics)",
    ],
    ["«https://a.example/ñ», https://b.example!?", "https://a.example/ñ", "https://b.example"],
    ["HTTPS://Example.ORG/Path", "HTTPS://Example.ORG/Path"],
    ["https://münchen.example/…", "https://münchen.example/"],
    ["http://[::1]:8080/x]", "http://[::1]:8080/x"],
    ['<a href="https://a.example">', "https://a.example"],
    [`https://a.example/#photo/${PHOTO}`, `https://a.example/#photo/${PHOTO}`],
  ] as const) {
    const found = parts(text).flatMap((part) => ("link" in part ? [part.link] : []));
    assert.deepEqual(found, links, text);
  }
});

test("what only looks like an address, or hides where it leads, stays text", () => {
  for (const text of [
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://a.example/",
    "xhttps://a.example/",
    "https://",
    "https:///",
    "http://.",
    "https://user:word@a.example/",
    "https://bank.example@evil.example/",
    "www.example.org",
  ]) {
    assert.deepEqual(parts(text), [{ text }], text);
  }
  const [link] = parts("https://bank.example\\@evil.example");
  assert.deepEqual(link, { link: "https://bank.example" });
});

test("a photo that is mentioned leaves no hole in the text", () => {
  const photo = { photo: PHOTO };
  assert.deepEqual(shownParts(`look: #photo/${PHOTO}, by Ana`), [
    { text: "look: " },
    photo,
    { text: ", by Ana" },
  ]);
  assert.deepEqual(shownParts(`#photo/${PHOTO} yours`), [{ text: "yours" }]);
  assert.deepEqual(shownParts(`mine: #photo/${PHOTO} \n#photo/${PHOTO}`), [{ text: "mine:" }]);
  assert.deepEqual(shownParts(` #photo/${PHOTO} `), []);
  assert.deepEqual(shownParts("#camera/a/b"), [{ camera: "a/b" }]);
});

test("a mention stands apart from the word before", () => {
  assert.equal(withMention("", "#camera/a/b"), "#camera/a/b ");
  assert.equal(withMention("see", "#camera/a/b"), "see #camera/a/b ");
  assert.equal(withMention("see ", "#camera/a/b"), "see #camera/a/b ");
});

/** The pictures made in a second, each answered so late. */
function aSecond(pace: Pace, late = 0): Record<Size, number> {
  const made = { 0: 0, 1: 0, 2: 0, 3: 0 };
  const answers: { at: number; seq: number }[] = [];
  for (let now = 0; now < 1_000; now++) {
    while (answers[0] && answers[0].at <= now) pace.got(answers.shift()!.seq);
    const size = pace.next(now, 0);
    if (size === null) continue;
    made[size]++;
    answers.push({ at: now + late, seq: pace.made(size, now) });
  }
  return made;
}

test("nothing is made before it is wanted", () => {
  const pace = new Pace();
  assert.equal(pace.next(0, 0), null);
  assert.equal(pace.wait(0), null);
});

test("while nobody looks there is a preview a second", () => {
  const pace = new Pace();
  pace.want([0, 0, 0, 1], 0);
  assert.equal(pace.isLookedAt, false);
  assert.deepEqual(aSecond(pace), { 0: 0, 1: 0, 2: 0, 3: 1 });
});

test("each size has its rate", () => {
  const pace = new Pace();
  pace.want([10, 0, 20, 1], 0);
  assert.equal(pace.isLookedAt, true);
  assert.deepEqual(aSecond(pace), { 0: 10, 1: 0, 2: 20, 3: 1 });
});

test("a slow network has fewer pictures of each size, not only the fast one", () => {
  const pace = new Pace();
  pace.want([30, 0, 15, 1], 0);
  const made = aSecond(pace, 200);
  assert.ok(made[0] >= 4 && made[2] >= 2, JSON.stringify(made));
  assert.ok(made[0] + made[1] + made[2] + made[3] <= 10, JSON.stringify(made));
});

test("two are unanswered at most", () => {
  const pace = new Pace();
  pace.want([30, 30, 30, 1], 0);
  const first = pace.made(pace.next(0, 0)!, 0);
  pace.made(pace.next(0, 0)!, 0);
  assert.equal(pace.next(500, 0), null);
  pace.got(first);
  assert.notEqual(pace.next(500, 0), null);
});

test("nothing is made while bytes wait for the network", () => {
  const pace = new Pace();
  pace.want([30, 0, 0, 1], 0);
  assert.equal(pace.next(0, 1_000_000), null);
  assert.notEqual(pace.next(0, 0), null);
});

test("what was missed is not made up for", () => {
  const pace = new Pace();
  pace.want([10, 0, 0, 0], 0);
  pace.got(pace.made(0, 0));
  assert.equal(pace.next(5_000, 0), 0);
  pace.got(pace.made(0, 5_000));
  assert.equal(pace.next(5_001, 0), null);
  assert.equal(pace.wait(5_001), 99);
});

test("what is wanted anew is made at once, and a higher rate does not wait for the lower", () => {
  const pace = new Pace();
  pace.want([0, 0, 0, 1], 0);
  pace.got(pace.made(PREVIEW, 0));
  pace.want([0, 15, 0, 1], 100);
  assert.equal(pace.next(100, 0), 1);
  pace.want([0.1, 0, 0, 0], 1_000);
  pace.got(pace.made(0, 1_000));
  pace.want([10, 0, 0, 0], 2_000);
  assert.ok(pace.wait(2_000)! <= 100);
});

test("the header of the page's own frame", () => {
  const view = new DataView(ownHeader(7, 2, 12.5));
  assert.equal(view.byteLength, 12);
  assert.deepEqual(
    [view.getUint32(0, true), view.getUint16(4, true), view.getUint16(6, true)],
    [7, 2, 0],
  );
  assert.equal(view.getFloat32(8, true), 12.5);
});
