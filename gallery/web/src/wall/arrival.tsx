// On a screen that asks for it (`photos=1`) each new photo fills the room for a while.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fileUrl } from "../net/api";
import { timeName } from "../words/dates";
import { photoListeners } from "../net/gallery";
import { words } from "../words/language";
import { named } from "../photos/camera-name";
import type { Photo } from "../photos/photo";

const SHOWN = 6_000;

const newest = signal<Photo | null>(null);

if (new URLSearchParams(location.search).get("photos") === "1") {
  photoListeners.add((event) => {
    const shown = newest.peek();
    // An upload with an old date is no news, and neither is a restored photo.
    if (event.event === "stored" && Date.now() - event.photo.received < SHOWN) {
      newest.value = event.photo;
    } else if (event.event === "deleted" && event.id === shown?.id) newest.value = null;
  });
}

export function Arrival() {
  const photo = newest.value && named(newest.value);
  useEffect(() => {
    if (!photo) return;
    const timer = setTimeout(() => (newest.value = null), SHOWN);
    return () => clearTimeout(timer);
  }, [photo]);
  if (!photo) return null;
  const name = photo.caption ?? photo.camera_name ?? photo.person?.name ?? "";
  return (
    <figure key={photo.id} class="arrival">
      <img src={fileUrl(photo.id)} alt="" />
      <figcaption class="plate">
        <span class="name">{name}</span>
        <time>{timeName(photo.taken, words.value)}</time>
      </figcaption>
    </figure>
  );
}
