import assert from "node:assert/strict";
import test from "node:test";
import { ageText, lastingText, sinceText } from "../../src/words/age";
import { en, es } from "../../src/words/words";

const english = { ...en, locale: "en-GB" };
const spanish = { ...es, locale: "es-ES" };
const now = new Date(2025, 10, 20, 17, 46, 30).getTime();
const ago = (seconds: number): number => now - seconds * 1_000;

test("ages: seconds, from a minute minutes, from an hour the time of day", () => {
  assert.equal(ageText(ago(2.9), now, english), "2 s ago");
  assert.equal(ageText(ago(59.9), now, english), "59 s ago");
  assert.equal(ageText(ago(60), now, english), "1 min ago");
  assert.equal(ageText(ago(3599), now, english), "59 min ago");
  assert.equal(ageText(ago(6240), now, english), "at 16:02");
  assert.equal(ageText(ago(14), now, spanish), "hace 14 s");
  assert.equal(ageText(ago(134), now, spanish), "hace 2 min");
  assert.equal(ageText(ago(6240), now, spanish), "a las 16:02");
});

test("one o'clock is singular in Spanish", () => {
  const early = new Date(2025, 10, 20, 1, 30).getTime();
  assert.equal(ageText(early, now, spanish), "a la 01:30");
});

test("a time that is not of today has its date", () => {
  const then = new Date(2025, 10, 18, 9, 12).getTime();
  assert.equal(sinceText(then, now, english), "since 18 Nov, 09:12");
  assert.equal(sinceText(then, now, spanish), "desde el 18 nov, 09:12");
  assert.match(ageText(ago(3 * 86_400), now, spanish), /^el 17 nov/);
});

test("a picture from the future is not older than a moment", () => {
  assert.equal(ageText(now + 5_000, now, english), "1 s ago");
});

test("how long something lasts", () => {
  assert.equal(lastingText(ago(6), now, english), "6 s");
  assert.equal(lastingText(ago(150), now, english), "2 min");
  assert.equal(lastingText(ago(3 * 3600), now, english), "3 h");
});
