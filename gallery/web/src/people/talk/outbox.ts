// What this browser says, one word after another, until each is heard. A word has an id of its own,
// under which it may be sent as often as it takes: the gallery knows it again.

import { signal } from "@preact/signals";
import type { Shelf, Word } from "./shelf";

/** While nothing comes back for so long, it is no echo that is waited for. */
const PATIENCE = 5_000;

/** So many words wait at most; what is more stays in the field. */
export const MOST = 50;

/** So many are kept at most, with those that will never be said. */
const KEPT = 4 * MOST;

export class Outbox {
  /** What was not heard yet, in the order in which it was said. */
  readonly words = signal<readonly Word[]>([]);
  /** When the next one may go, by `Date.now()`; null if nothing is held back. */
  readonly until = signal<number | null>(null);
  readonly #send: (word: Word) => boolean;
  readonly #shelf: Shelf;
  readonly #tab: string;
  /** The id of the one that this tab has sent and not heard. */
  #flying: string | null = null;

  /** `send` tells whether there is a connection; `tab` is this tab's own word among others. */
  constructor(send: (word: Word) => boolean, shelf: Shelf, tab: string) {
    this.#send = send;
    this.#shelf = shelf;
    this.#tab = tab;
    this.look();
  }

  /** Whether no more is taken. */
  get isFull(): boolean {
    const words = this.words.value;
    return words.filter(({ never }) => !never).length >= MOST || words.length >= KEPT;
  }

  /** Whether it is taken: not if too many wait. */
  say(id: string, text: string, now: number): boolean {
    this.look();
    if (this.isFull) return false;
    this.#shelf.put({ id, text, at: now });
    this.tick(now);
    return true;
  }

  /** These lines are in the talk. */
  heard(ids: Iterable<string>, now: number): void {
    const all = new Set(ids);
    const known = this.words.peek().filter(({ id }) => all.has(id));
    if (known.length === 0) return;
    for (const { id } of known) this.#end(id);
    this.tick(now);
  }

  /** The gallery did not pass a word on: it may go in so many seconds, or never. */
  held(id: string, seconds: number | undefined, why: string, now: number): void {
    if (this.#flying === id) this.#flying = null;
    const word = this.words.peek().find((word) => word.id === id);
    if (seconds !== undefined) this.until.value = now + seconds * 1_000;
    else if (word) this.#shelf.put({ ...word, never: { said: why } });
    this.tick(now);
  }

  /** The connection was lost: what was on its way may not have come. */
  lost(): void {
    this.#flying = null;
    this.until.value = null;
  }

  /** Who said all this has left: it is said no more. */
  leave(now: number): void {
    this.#flying = null;
    for (const word of this.#shelf.all()) {
      if (!word.never) this.#shelf.put({ ...word, never: "left" });
    }
    this.tick(now);
  }

  /** Gives back a word that will never be said. */
  take(id: string): string | null {
    const word = this.words.peek().find((word) => word.id === id);
    this.#end(id);
    this.look();
    return word?.text ?? null;
  }

  /** Sees what other tabs have said, and what of it was heard. */
  look(): void {
    const all = this.#shelf.all();
    if (JSON.stringify(all) !== JSON.stringify(this.words.peek())) this.words.value = all;
  }

  /** Time passed, or there is a connection. */
  tick(now: number): void {
    this.look();
    if (this.until.value !== null && now >= this.until.value) this.until.value = null;
    if (this.until.value !== null) return;
    const waiting = this.words.peek().filter(({ never }) => !never);
    // One at a time, whichever tab sends it: so they keep their order.
    const [next] = waiting;
    if (next === undefined || waiting.some((word) => this.#isUnderWay(word, now))) return;
    this.#flying = null;
    if (!this.#send(next)) return;
    this.#flying = next.id;
    this.#shelf.put({ ...next, sent: { at: now, by: this.#tab } });
    this.look();
  }

  #isUnderWay({ id, sent }: Word, now: number): boolean {
    if (!sent || (sent.by === this.#tab && this.#flying !== id)) return false;
    const passed = now - sent.at;
    return passed >= 0 && passed < PATIENCE;
  }

  #end(id: string): void {
    if (this.#flying === id) this.#flying = null;
    this.#shelf.remove(id);
  }
}
