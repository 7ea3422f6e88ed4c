// Which photos are chosen, to do something with all of them at once.

import { computed, signal } from "@preact/signals";
import { listPhotos } from "../../net/api";
import { photoListeners } from "../../net/gallery";
import { complain } from "../../page/notices/toast";
import { words } from "../../words/language";
import type { Album } from "../album/album";
import { dayOf, order } from "../album/merge";
import { query } from "../filter/filter";
import type { Day, Photo } from "../photo";

/** The most that can be chosen. */
const MOST = 10_000;

/** The chosen ones by id; null while nothing is to be chosen. */
export const picked = signal<ReadonlyMap<string, Photo> | null>(null);

/** How many of each day are chosen. */
export const pickedOfDay = computed(() => {
  const days = new Map<string, number>();
  for (const { taken } of picked.value?.values() ?? []) {
    const { day } = dayOf(taken);
    days.set(day, (days.get(day) ?? 0) + 1);
  }
  return days;
});

/** The one that was chosen last: a range begins there. */
let last: Photo | null = null;

export function beginPicking(): void {
  picked.value ??= new Map();
}

export function endPicking(): void {
  picked.value = last = null;
}

/** Chooses a photo, or no longer. */
export function pick(photo: Photo): void {
  const now = new Map(picked.peek() ?? []);
  if (now.delete(photo.id)) last = null;
  else if (now.size >= MOST) return tooMany();
  else now.set((last = photo).id, photo);
  picked.value = now;
}

/** Chooses all from the one that was chosen last to this one. */
export async function pickTo(album: Album, photo: Photo): Promise<void> {
  const start = last;
  if (!start || !picked.peek()) return pick(photo);
  const [newer, older] = order(start, photo) <= 0 ? [start, photo] : [photo, start];
  const within = (other: Photo): boolean => order(newer, other) <= 0 && order(other, older) <= 0;
  const known = between(album, newer, older);
  if (known) return take(known, photo);
  await ask(album, older.taken, newer.taken + 1, within, photo);
}

/** Chooses a whole day; if it is chosen, nothing of it any more. */
export async function pickDay(album: Album, { day, start, end, count }: Day): Promise<void> {
  beginPicking();
  if ((pickedOfDay.peek().get(day) ?? 0) >= count) {
    const others = [...picked.peek()!].filter(([, { taken }]) => taken < start || taken >= end);
    picked.value = new Map(others);
    return;
  }
  const loaded = album.loaded.peek().get(day);
  if (loaded?.whole) return take(loaded.photos);
  await ask(album, start, end, () => true);
}

/** Those between two of an album; null if they are not all loaded. */
function between(album: Album, newer: Photo, older: Photo): Photo[] | null {
  const from = album.indexOf(newer);
  const to = album.indexOf(older);
  if (from === null || to === null) return null;
  const photos: Photo[] = [];
  for (let at = from; at <= to && photos.length <= MOST; at++) {
    const photo = album.photoAt(at);
    if (!photo) return null;
    photos.push(photo);
  }
  return photos;
}

/** Asks for what is not loaded, and chooses it. */
async function ask(
  { filter }: Album,
  from: number,
  to: number,
  meant: (photo: Photo) => boolean,
  end?: Photo,
): Promise<void> {
  const photos: Photo[] = [];
  const asked = { ...query(filter), from: `${from}`, to: `${to}` };
  try {
    let next: string | null = null;
    do {
      const page = await listPhotos(next === null ? asked : { ...asked, before: next });
      photos.push(...page.photos.filter(meant));
      next = page.next;
    } while (next !== null && photos.length <= MOST);
  } catch {
    return complain(words.value.select.notPicked, words.value.noAnswer);
  }
  // Who ended it meanwhile wants none.
  if (picked.peek()) take(photos, end);
}

function take(photos: readonly Photo[], end: Photo | null = null): void {
  const now = new Map(picked.peek() ?? []);
  for (const photo of photos) now.set(photo.id, photo);
  if (now.size > MOST) return tooMany();
  last = end ?? photos.at(-1) ?? last;
  picked.value = now;
}

function tooMany(): void {
  const { select, figures } = words.value;
  complain(select.tooMany(new Intl.NumberFormat(figures).format(MOST)), select.tooManyHelp);
}

photoListeners.add((event) => {
  const now = picked.peek();
  const id = event.event === "deleted" ? event.id : event.photo.id;
  if (!now?.has(id)) return;
  const others = new Map(now);
  if (event.event === "deleted") others.delete(id);
  else others.set(id, event.photo);
  picked.value = others;
});
