import assert from "node:assert/strict";
import test from "node:test";
import { Album, type Source } from "../../src/photos/album/album";
import { matches, type Filter } from "../../src/photos/filter/filter";
import { count, dayOf, order, put } from "../../src/photos/album/merge";
import type { Day, Photo, PhotoEvent } from "../../src/photos/photo";

process.env.TZ = "Europe/Madrid";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const noon = new Date(2026, 10, 20, 12).getTime();
const HOUR = 3_600_000;
const TODAY = "2026-11-20";

let serial = 0;
function photo(taken: number, more: Partial<Photo> = {}): Photo {
  const id = `01${String(++serial).padStart(24, "0")}`;
  const [width, height] = [1280, 720];
  const shape = { type: "image/jpeg", bytes: 1, width, height, hash: "", camera: "square/stage" };
  return { id, taken, time: "camera", received: taken, ...shape, ...more };
}

/** A gallery with these photos, in pages of two. */
class Gallery implements Source {
  photosKept: Photo[];
  asked: string[] = [];
  /** Holds back answers until it is called. */
  hold: Promise<void> = Promise.resolve();

  constructor(photos: Photo[]) {
    this.photosKept = photos;
  }

  async days(filter: Filter): Promise<Day[]> {
    this.asked.push("days");
    await this.hold;
    const kept = this.photosKept.filter((photo) => matches(filter, photo));
    return kept.reduce<Day[]>((days, photo) => count(days, photo, 1), []);
  }

  async has(filter: Filter, photo: Photo): Promise<boolean> {
    this.asked.push(photo.caption ?? "");
    await this.hold;
    return photo.caption?.includes(filter.word ?? "") ?? false;
  }

  async photos(asked: Record<string, string>, signal: AbortSignal) {
    this.asked.push(dayOf(Number(asked.from)).day);
    await this.hold;
    if (signal.aborted) throw new Error("aborted");
    const all = this.photosKept
      .filter(({ taken }) => taken >= Number(asked.from) && taken < Number(asked.to))
      .sort(order);
    const from = Number(asked.before ?? 0);
    return {
      photos: all.slice(from, from + 2),
      next: from + 2 < all.length ? `${from + 2}` : null,
    };
  }
}

async function open(photos: Photo[], filter: Filter = {}) {
  const gallery = new Gallery(photos);
  const album = new Album(filter, gallery);
  await turn();
  const need = async (...days: string[]): Promise<void> => {
    for (let i = 0; i < 8; i++) {
      album.need("test", { near: days, more: days });
      await turn();
      await turn();
    }
  };
  const ids = (day = TODAY) => album.loaded.value.get(day)?.photos.map(({ id }) => id) ?? [];
  return { gallery, album, need, ids };
}

test("a day is loaded page by page when it is needed, and no other", async () => {
  const photos = Array.from({ length: 5 }, (_, i) => photo(noon - i * HOUR));
  const { gallery, album, need, ids } = await open([...photos, photo(noon - 48 * HOUR)]);
  assert.equal(album.total.value, 6);
  assert.deepEqual(ids(), []);
  await need(TODAY);
  assert.deepEqual(
    ids(),
    photos.map(({ id }) => id),
  );
  assert.ok(!gallery.asked.includes("2026-11-18"));
  assert.equal(album.indexOf(photos[3]!), 3);
  assert.equal(album.photoAt(4)?.id, photos[4]!.id);
  assert.equal(album.photoAt(5), null, "not loaded");
  assert.equal(album.dayAt(5)?.day.day, "2026-11-18");
  assert.equal(album.dayAt(6), null);
  album.close();
});

test("a photo that is stored comes to its place, once", async () => {
  const old = [photo(noon), photo(noon - 2 * HOUR)];
  const { album, need, ids } = await open([...old]);
  await need(TODAY);
  const middle = photo(noon - HOUR);
  const event: PhotoEvent = { event: "stored", photo: middle };
  album.hear(event);
  album.hear(event);
  assert.deepEqual(ids(), [old[0]!.id, middle.id, old[1]!.id]);
  assert.equal(album.total.value, 3);
  assert.ok(album.fresh.has(middle.id));
  album.close();
});

test("the first photo of a day makes the day", async () => {
  const { album, need, ids } = await open([photo(noon - 72 * HOUR)]);
  await need("2026-11-17");
  const first = photo(noon);
  album.hear({ event: "stored", photo: first });
  assert.deepEqual(
    album.days.value?.map(({ day }) => day),
    [TODAY, "2026-11-17"],
  );
  assert.deepEqual(ids(), [first.id]);
  album.close();
});

test("a photo of a day that is not loaded is counted", async () => {
  const { album, need, ids } = await open([photo(noon), photo(noon - 72 * HOUR)]);
  await need(TODAY);
  album.hear({ event: "stored", photo: photo(noon - 71 * HOUR) });
  assert.equal(album.total.value, 3);
  assert.deepEqual(ids("2026-11-17"), []);
  album.close();
});

test("captions and pins change where they are; a photo that is not known comes by no change", async () => {
  const one = photo(noon);
  const { album, need, ids } = await open([one]);
  await need(TODAY);
  album.hear({ event: "changed", photo: { ...one, caption: "The cake", pinned: true } });
  assert.equal(album.find(one.id)?.caption, "The cake");
  album.hear({ event: "changed", photo: photo(noon - HOUR) });
  assert.deepEqual(ids(), [one.id]);
  assert.equal(album.total.value, 1);
  album.close();
});

test("a deleted photo goes, comes back when that is undone, and is counted right", async () => {
  const [one, two] = [photo(noon), photo(noon - HOUR)];
  const { album, need, ids } = await open([one, two]);
  await need(TODAY);
  // Here at once, and again when the gallery tells it.
  for (let i = 0; i < 2; i++) album.hear({ event: "deleted", id: one.id });
  assert.deepEqual(ids(), [two.id]);
  assert.equal(album.total.value, 1);
  for (let i = 0; i < 2; i++) album.hear({ event: "stored", photo: one });
  assert.deepEqual(ids(), [one.id, two.id]);
  assert.equal(album.total.value, 2);
  assert.ok(!album.fresh.has(one.id), "it is no news");
  album.hear({ event: "deleted", id: one.id });
  album.hear({ event: "deleted", id: two.id });
  assert.deepEqual(album.days.value, []);
  album.close();
});

test("a filter keeps out what is not meant, also what is meant no more", async () => {
  const one = photo(noon);
  const { album, need, ids } = await open([one], { camera: "square/stage" });
  await need(TODAY);
  album.hear({ event: "stored", photo: photo(noon, { camera: "house/door" }) });
  assert.deepEqual(ids(), [one.id]);
  album.hear({ event: "changed", photo: { ...one, camera: "house/door" } });
  assert.deepEqual(ids(), []);
  album.close();
});

test("what happens while a day is asked for is not lost", async () => {
  const [one, two] = [photo(noon), photo(noon - HOUR)];
  const { gallery, album } = await open([one, two]);
  let go = (): void => {};
  gallery.hold = new Promise((resolve) => (go = resolve));
  album.need("test", { near: [TODAY], more: [TODAY] });
  const three = photo(noon + HOUR);
  album.hear({ event: "stored", photo: three });
  album.hear({ event: "deleted", id: two.id });
  go();
  await turn();
  await turn();
  const shown = album.loaded.value.get(TODAY)?.photos.map(({ id }) => id);
  assert.deepEqual(shown, [three.id, one.id]);
  album.close();
});

test("what is wanted no more is not waited for", async () => {
  const { gallery, album } = await open([photo(noon), photo(noon - 48 * HOUR)]);
  let go = (): void => {};
  gallery.hold = new Promise((resolve) => (go = resolve));
  album.need("test", { near: [], more: [TODAY] });
  album.need("test", { near: [], more: ["2026-11-18"] });
  go();
  await turn();
  await turn();
  assert.ok(!album.loaded.value.has(TODAY));
  assert.equal(album.loaded.value.get("2026-11-18")?.photos.length, 1);
  album.close();
});

test("after a lost connection what is in view is asked for again and stays meanwhile", async () => {
  const photos = Array.from({ length: 4 }, (_, i) => photo(noon - i * HOUR));
  const { gallery, album, need, ids } = await open(photos);
  await need(TODAY);
  gallery.photosKept = [photo(noon + HOUR), ...photos.slice(1)];
  const refreshed = album.refresh();
  assert.equal(ids().length, 4);
  await refreshed;
  await need(TODAY);
  assert.deepEqual(
    ids(),
    gallery.photosKept.map(({ id }) => id),
  );
  album.close();
});

test("a gallery that does not answer is asked again", async () => {
  let fail = true;
  const album = new Album(
    {},
    {
      days: async () => {
        if (fail) throw new Error("away");
        return [];
      },
      photos: async () => ({ photos: [], next: null }),
      has: async () => true,
    },
  );
  await turn();
  assert.ok(album.failed.value);
  fail = false;
  for (const end = Date.now() + 10_000; album.failed.value && Date.now() < end;) await turn();
  assert.ok(!album.failed.value);
  assert.deepEqual(album.days.value, []);
  album.close();
});

test("photos of the same moment have an order", () => {
  const [a, b, c] = [photo(noon), photo(noon), photo(noon)];
  assert.deepEqual(put(put([b], a), c), put(put([a], c), b));
  assert.deepEqual(put([c, b, a], b), [c, b, a]);
});

test("the gallery says which of the photos that come have the word", async () => {
  const first = photo(noon, { caption: "harvest" });
  const { gallery, album, need, ids } = await open([first], { word: "har" });
  album.days.value = album.days.value!.map((day) => ({ ...day, of: 5 }));
  await need(TODAY);
  album.days.value = album.days.value!.map((day) => ({ ...day, of: 5 }));
  const [has, not] = [photo(noon + 1, { caption: "a harbour" }), photo(noon + 2)];
  album.hear({ event: "stored", photo: has });
  album.hear({ event: "stored", photo: not });
  assert.deepEqual(ids(), [first.id], "before the gallery answers");
  await turn();
  assert.deepEqual(ids(), [has.id, first.id]);
  assert.deepEqual([album.days.value![0]!.count, album.days.value![0]!.of], [2, 7]);
  // It has the word no longer.
  album.hear({ event: "changed", photo: { ...first, caption: "nothing" } });
  await turn();
  assert.deepEqual(ids(), [has.id]);
  // Changed and deleted before the answers came.
  let go = (): void => {};
  gallery.hold = new Promise((resolve) => (go = resolve));
  const late = photo(noon + 3, { caption: "nothing" });
  album.hear({ event: "stored", photo: late });
  album.hear({ event: "changed", photo: { ...late, caption: "har" } });
  album.hear({ event: "changed", photo: has });
  album.hear({ event: "deleted", id: has.id });
  go();
  await turn();
  assert.deepEqual(ids(), [late.id]);
  album.close();
});
