// The pictures of a film that are decoded: a few ahead of the one that is seen, and no more.

/** How many are decoded ahead: more than a second at the greatest speed. */
export const AHEAD = 32;
/** How many that were seen are kept, for who goes back. */
const BEHIND = 4;

export interface Closable {
  close(): void;
}

export class Reel<Picture extends Closable> {
  readonly #count: number;
  readonly #pictures = new Map<number, Picture | null>();
  #at = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** The picture at a place; null if it cannot be shown, undefined if it is not there yet. */
  get(at: number): Picture | null | undefined {
    return this.#pictures.get(at);
  }

  get size(): number {
    return this.#pictures.size;
  }

  /** A picture has come; what is far from the one that is seen is not kept. */
  put(at: number, picture: Picture | null): void {
    if (!this.#near(at) || this.#pictures.has(at)) picture?.close();
    else this.#pictures.set(at, picture);
  }

  /** Goes to a place, and gives the places whose pictures are wanted now, the next ones first. */
  go(at: number): number[] {
    this.#at = at;
    for (const [place, picture] of this.#pictures) {
      if (this.#near(place)) continue;
      picture?.close();
      this.#pictures.delete(place);
    }
    const wanted: number[] = [];
    for (let place = at; place < Math.min(this.#count, at + AHEAD); place++) {
      if (!this.#pictures.has(place)) wanted.push(place);
    }
    return wanted;
  }

  close(): void {
    for (const picture of this.#pictures.values()) picture?.close();
    this.#pictures.clear();
  }

  #near(at: number): boolean {
    return at >= this.#at - BEHIND && at < this.#at + AHEAD;
  }
}
