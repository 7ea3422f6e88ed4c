import assert from "node:assert/strict";
import test from "node:test";
import { ageText, atText, sinceText } from "../../src/words/age";
import { dayName, momentName, timeName } from "../../src/words/dates";
import { localeOf } from "../../src/words/locale";
import { de, en, es, fr, it, languages, pt, type Words } from "../../src/words/words";

/** The words as a page has them whose browser lists these languages. */
const as = (words: Words, ...tags: string[]): Words => ({
  ...words,
  ...localeOf(words.code, tags),
});
/** What is written has spaces of many widths. */
const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, " ");

const now = new Date(2026, 10, 20, 18, 0).getTime();
const evening = new Date(2026, 10, 20, 17, 31).getTime();
const morning = new Date(2026, 10, 18, 9, 5).getTime();

test("the clock is the browser's, also where the page's language is another", () => {
  for (const words of Object.values(languages)) {
    assert.match(plain(timeName(evening, as(words, "en-US"))), /^5:31 p\.? ?m\.?$/i, words.code);
    assert.match(plain(timeName(evening, as(words, "de-DE", "en-US"))), /^17:31$/, words.code);
  }
  assert.equal(timeName(morning, as(de, "de")), "09:05");
  assert.equal(plain(timeName(morning, as(en, "en-US"))), "9:05 AM");
  assert.equal(timeName(morning, as(en, "en-GB")), "09:05");
  assert.equal(timeName(morning, as(en, "en-US-u-hc-h23")), "09:05");
});

test("dates are in the page's language, by the customs of the reader's region", () => {
  const name = (words: Words, ...tags: string[]) =>
    plain(dayName(morning, now, as(words, ...tags))).replace(",", "");
  assert.equal(name(en, "en-US"), "Wednesday November 18");
  assert.equal(name(en, "de-DE", "en-US"), "Wednesday 18 November");
  assert.equal(name(de, "en-US"), "Mittwoch 18. November");
  assert.equal(name(fr, "fr-CA"), "mercredi 18 novembre");
  assert.equal(name(it, "it"), "mercoledì 18 novembre");
  assert.equal(name(pt, "pt-PT"), "quarta-feira 18 de novembro");
  assert.equal(momentName(morning, now, as(de, "de-AT")), "18. November, 09:05");
});

test("figures are the browser's own", () => {
  const written = (words: Words, tag: string): string =>
    new Intl.NumberFormat(as(words, tag).figures).format(1204.5);
  assert.equal(written(de, "en-US"), "1,204.5");
  assert.equal(written(en, "de-DE"), "1.204,5");
  assert.equal(plain(written(en, "fr-FR")), "1 204,5");
});

test("a browser that lists what is no language is read as far as it goes", () => {
  assert.deepEqual(localeOf("de", ["en-US@posix", "x"]), localeOf("de", ["de"]));
  assert.deepEqual(localeOf("en", ["en-US@posix", "en-GB"]), localeOf("en", ["en-GB"]));
  assert.equal(localeOf("fr", []).figures, "fr");
});

test("hours and days have the article that their language gives them", () => {
  const one = new Date(2026, 10, 20, 1, 30).getTime();
  const eighth = new Date(2026, 10, 8, 9, 5).getTime();
  const said = (words: Words, tag: string) =>
    [atText(one, now, as(words, tag)), sinceText(evening, now, as(words, tag))].map(plain);
  assert.deepEqual(said(it, "it"), ["all’01:30", "dalle 17:31"]);
  assert.deepEqual(said(pt, "pt"), ["à 01:30", "desde as 17:31"]);
  assert.deepEqual(said(es, "es-US"), ["a la 1:30 a.m.", "desde las 5:31 p.m."]);
  assert.deepEqual(said(de, "de"), ["um 01:30", "seit 17:31"]);
  assert.deepEqual(said(fr, "fr"), ["à 01:30", "depuis 17:31"]);
  assert.equal(atText(eighth, now, as(it, "it")), "l’8 nov, 09:05");
  assert.equal(sinceText(eighth, now, as(it, "it")), "dall’8 nov, 09:05");
  assert.equal(sinceText(eighth, now, as(de, "de")), "seit dem 8. Nov., 09:05");
  assert.equal(ageText(now - 14_000, now, as(fr, "fr")), "il y a 14 s");
});

test("one is one, and nothing is what the language makes of it", () => {
  const counts = (words: Words) => [0, 1, 2].map((n) => words.countPhotos(n, `${n}`));
  assert.deepEqual(counts(en), ["0 photos", "1 photo", "2 photos"]);
  assert.deepEqual(counts(de), ["0 Fotos", "1 Foto", "2 Fotos"]);
  assert.deepEqual(counts(fr), ["0 photo", "1 photo", "2 photos"]);
  assert.deepEqual(counts(pt), ["0 foto", "1 foto", "2 fotos"]);
});

/** Every text of a table, with what stands in for a name or a number. */
function texts(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") {
    return [[path, String(value(...Array.from({ length: value.length }, () => "7")))]];
  }
  return Object.entries(value as object).flatMap(([name, part]) => texts(part, `${path}.${name}`));
}

test("every language has words of its own for all that is said", () => {
  const alike: Record<string, string[]> = {
    de: ["live", "7 min", "Broker", "Countdown", "Download", "Name", "Person", "Zoom"],
    es: ["7 min", "Zoom"],
    fr: [
      "7 min",
      "Photo",
      "photo",
      "Photos",
      "Photo, 7",
      "Stop",
      "7 photos",
      "Broker",
      "Capture",
      "Zoom",
    ],
    it: ["7 min", "Broker", "Download", "File", "Password", "Zoom"],
    pt: ["7 min", "Broker", "Download", "Zoom"],
  };
  const english = new Map(texts(en));
  for (const words of Object.values(languages).filter((words) => words !== en)) {
    for (const [path, text] of texts(words)) {
      assert.ok(
        text !== "" && !/undefined|\[object| {2}/.test(text),
        `${words.code}${path}: ${text}`,
      );
      const same = /[a-z]{3}/i.test(text) && english.get(path) === text;
      // Keys have their names on them.
      const may =
        /^\.(figures|keys\.(rows|houseRows)\.\d+\.0\.)/.test(path) ||
        alike[words.code]?.includes(text);
      assert.ok(!same || may, `${words.code}${path}: ${text}`);
    }
  }
});
