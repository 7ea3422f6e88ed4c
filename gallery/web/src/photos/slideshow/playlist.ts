// The order of a slideshow: round and round, and what comes meanwhile is next.

import type { Photo, PhotoEvent } from "../photo";

/** How many are remembered; beyond that the furthest are left out. */
const MOST = 10_000;

export class Playlist {
  readonly #photos: Photo[];
  readonly #meant: (photo: Photo) => boolean;
  #at = -1;
  /** How many after the one that is shown came meanwhile. */
  #fresh = 0;

  /** `meant`: which of those that come are taken in. */
  constructor(photos: readonly Photo[], meant: (photo: Photo) => boolean) {
    this.#photos = photos.slice(0, MOST);
    this.#meant = meant;
  }

  get shown(): Photo | null {
    return this.#photos[this.#at] ?? null;
  }

  /** How many are left before it begins again. */
  get left(): number {
    return this.#photos.length - 1 - this.#at;
  }

  /** Older ones that were not known before. */
  add(photos: readonly Photo[]): void {
    const here = new Set(this.#photos.map(({ id }) => id));
    this.#photos.push(...photos.filter(({ id }) => !here.has(id)));
    this.#photos.length = Math.min(this.#photos.length, MOST);
  }

  /** Goes to the next one, or the one before; null if there is none at all. */
  step(by: 1 | -1): Photo | null {
    const all = this.#photos.length;
    if (all === 0) return null;
    this.#at = this.#at < 0 ? 0 : (this.#at + by + all) % all;
    this.#fresh = by > 0 ? Math.max(0, this.#fresh - 1) : 0;
    return this.shown;
  }

  hear(event: PhotoEvent): void {
    const id = event.event === "deleted" ? event.id : event.photo.id;
    const index = this.#photos.findIndex((photo) => photo.id === id);
    if (event.event === "deleted") {
      if (index < 0) return;
      this.#photos.splice(index, 1);
      if (index <= this.#at) this.#at--;
      else if (index <= this.#at + this.#fresh) this.#fresh--;
    } else if (index >= 0) {
      this.#photos[index] = event.photo;
    } else if (event.event === "stored" && this.#meant(event.photo)) {
      // Several that come at once are shown in the order in which they came.
      this.#photos.splice(this.#at + ++this.#fresh, 0, event.photo);
      this.#photos.length = Math.min(this.#photos.length, MOST);
    }
  }
}
