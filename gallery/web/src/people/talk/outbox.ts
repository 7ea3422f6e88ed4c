// Sends this browser's messages one after another until each comes back. A message has an id of its
// own, so it may be sent repeatedly: the gallery recognises it.

import { signal } from "@preact/signals";
import type { Shelf, Word } from "./shelf";

/** After so long without an echo the message is sent again. */
const PATIENCE = 5_000;

/** The most messages that wait; further ones stay in the field. */
export const MOST = 50;

/** The most messages kept, including those that failed for good. */
const KEPT = 4 * MOST;

export class Outbox {
  /** Messages that have not come back, in the order in which they were written. */
  readonly words = signal<readonly Word[]>([]);
  /** When the next one may go, by `Date.now()`; null if nothing is held. */
  readonly until = signal<number | null>(null);
  readonly #send: (word: Word) => boolean;
  readonly #shelf: Shelf;
  readonly #tab: string;
  /** The id of the message that this tab has sent and not received back. */
  #flying: string | null = null;

  /** `send` returns whether there is a connection; `tab` identifies this tab. */
  constructor(send: (word: Word) => boolean, shelf: Shelf, tab: string) {
    this.#send = send;
    this.#shelf = shelf;
    this.#tab = tab;
    this.look();
  }

  /** Whether it accepts no more. */
  get isFull(): boolean {
    const words = this.words.value;
    return words.filter(({ never }) => !never).length >= MOST || words.length >= KEPT;
  }

  /** Whether it accepts the message: not if too many wait. */
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

  /** The gallery did not pass a message on: it may go in `seconds`, or never. */
  held(id: string, seconds: number | undefined, why: string, now: number): void {
    if (this.#flying === id) this.#flying = null;
    const word = this.words.peek().find((word) => word.id === id);
    if (seconds !== undefined) this.until.value = now + seconds * 1_000;
    else if (word) this.#shelf.put({ ...word, never: { said: why } });
    this.tick(now);
  }

  /** The connection was lost: messages in transit may not have arrived. */
  lost(): void {
    this.#flying = null;
    this.until.value = null;
  }

  /** Their author has left: nothing goes out any more. */
  leave(now: number): void {
    this.#flying = null;
    for (const word of this.#shelf.all()) {
      if (!word.never) this.#shelf.put({ ...word, never: "left" });
    }
    this.tick(now);
  }

  /** Forgets all that was written: somebody else uses this browser. */
  clear(): void {
    this.#flying = null;
    for (const { id } of this.#shelf.all()) this.#end(id);
    this.look();
  }

  /** Gives back a message that failed for good. */
  take(id: string): string | null {
    const word = this.words.peek().find((word) => word.id === id);
    this.#end(id);
    this.look();
    return word?.text ?? null;
  }

  /** Reads what other tabs have written, and which of it came back. */
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
    // One at a time, whichever tab sends it, so that they keep their order.
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
