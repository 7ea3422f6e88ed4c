// The album that the page shows now, by the filter in the URL.

import { effect, signal } from "@preact/signals";
import { Album } from "./album";
import { hasPhoto, listDays, listPhotos } from "../../net/api";
import { sameFilter } from "../filter/filter";
import { link, photoListeners } from "../../net/gallery";
import { scope } from "../../net/me";
import type { PhotoEvent } from "../photo";
import { filter, room, viewed } from "../../page/route";

/** Null until somebody opens the photos. */
export const album = signal<Album | null>(null);

/** The photo with the focus, or the last one opened. */
export const cursor = signal<string | null>(null);

effect(() => {
  if (room.value !== "photos" && viewed.value === null) return;
  const wanted = filter.value;
  const before = album.peek();
  if (before && sameFilter(before.filter, wanted)) return;
  before?.close();
  album.value = new Album(wanted, { days: listDays, photos: listPhotos, has: hasPhoto });
});

/** Something happened to a photo: here, or somewhere else. */
export function hear(event: PhotoEvent): void {
  for (const listener of photoListeners) listener(event);
}

photoListeners.add((event) => album.peek()?.hear(event));

// Photos that one may see no more, or sees from now on.
let seen: string | null = null;
effect(() => {
  const now = scope.value;
  if (seen !== null && now !== seen) void album.peek()?.refresh();
  seen = now ?? seen;
});

// A lost connection delivers no events.
let lost = false;
effect(() => {
  if (!link.value.open) lost = true;
  else if (lost) {
    lost = false;
    void album.peek()?.refresh();
  }
});
