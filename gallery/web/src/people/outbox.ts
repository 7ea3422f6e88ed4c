// What this page says, one after another: the next goes when the one before was heard by all.

import { signal } from "@preact/signals";

export interface Refused {
  text: string;
  /** As the gallery says it, in English. */
  why: string;
}

/** While nothing comes back for so long, it is no echo that is waited for. */
const PATIENCE = 10_000;

export class Outbox {
  /** When the next one may go, by `Date.now()`; null if nothing is held back. */
  readonly until = signal<number | null>(null);
  /** What the gallery will never pass on. */
  readonly refused = signal<Refused | null>(null);
  readonly #send: (text: string) => boolean;
  #waiting: string[] = [];
  #flying: { text: string; since: number } | null = null;

  /** `send` tells whether there is a connection. */
  constructor(send: (text: string) => boolean) {
    this.#send = send;
  }

  say(text: string, now: number): void {
    this.refused.value = null;
    this.#waiting.push(text);
    this.tick(now);
  }

  /** Something that this person said was heard by all. */
  heard(now: number): void {
    this.#flying = null;
    this.tick(now);
  }

  /** The gallery did not pass a text on. */
  held(text: string, seconds: number | undefined, why: string, now: number): void {
    this.#flying = null;
    if (seconds === undefined) {
      this.refused.value = { text, why };
      this.tick(now);
    } else {
      this.#waiting.unshift(text);
      this.until.value = now + seconds * 1_000;
    }
  }

  /** The connection was lost: what was on its way may not have come. */
  lost(): void {
    if (this.#flying) this.#waiting.unshift(this.#flying.text);
    this.#flying = null;
  }

  /** The gallery knows again who this is; `said` is what it has heard from them. */
  back(said: ReadonlySet<string>, now: number): void {
    const [first] = this.#waiting;
    if (first !== undefined && said.has(first)) this.#waiting.shift();
    this.tick(now);
  }

  /** Time passed. */
  tick(now: number): void {
    if (this.until.value !== null && now >= this.until.value) this.until.value = null;
    if (this.until.value !== null) return;
    if (this.#flying && now - this.#flying.since < PATIENCE) return;
    const [text] = this.#waiting;
    this.#flying = null;
    if (text === undefined || !this.#send(text)) return;
    this.#waiting.shift();
    this.#flying = { text, since: now };
  }
}
