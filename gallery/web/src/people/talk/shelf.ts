// This browser's messages that have not come back, kept until they do, even through a reload, and
// shared by all its tabs. Each message has a key of its own, so no tab overwrites another's.

import { isNumber, isObject, isText } from "../../net/json";
import { isId } from "../../photos/photo";

/** Why a message failed for good: the gallery's sentence, in English, or its author left. */
export type Why = { said: string } | "left";

/** A message that has not come back yet. */
export interface Word {
  /** The id of the line that it will be: a ULID. */
  id: string;
  text: string;
  /** When it was written, by `Date.now()`. */
  at: number;
  /** When it was sent last, and by which tab. */
  sent?: { at: number; by: string };
  never?: Why;
}

/** The storage: `localStorage`, or a substitute. */
export type Storage = Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem" | "key"> & {
  readonly length: number;
};

export class Shelf {
  readonly #storage: Storage | null;
  readonly #prefix: string;
  /** Messages that could not be stored: they last as long as this page. */
  readonly #here = new Map<string, Word>();

  /** `prefix` begins the name of each word's place. */
  constructor(storage: Storage | null, prefix: string) {
    this.#storage = storage;
    this.#prefix = prefix;
  }

  put(word: Word): void {
    try {
      this.#storage!.setItem(this.#prefix + word.id, JSON.stringify(word));
      this.#here.delete(word.id);
    } catch {
      this.#here.set(word.id, word);
    }
  }

  remove(id: string): void {
    this.#here.delete(id);
    try {
      this.#storage?.removeItem(this.#prefix + id);
    } catch {
      // Without storage there was nothing.
    }
  }

  /** All of them, in the order in which they were written. */
  all(): Word[] {
    const words = new Map<string, Word>();
    try {
      const storage = this.#storage;
      for (let i = 0; storage && i < storage.length; i++) {
        const name = storage.key(i);
        const word = name?.startsWith(this.#prefix) ? read(storage.getItem(name)) : null;
        if (word) words.set(word.id, word);
      }
    } catch {
      // Without storage, these are all there are.
    }
    for (const word of this.#here.values()) words.set(word.id, word);
    return [...words.values()].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  }
}

function read(text: string | null): Word | null {
  let raw: unknown;
  try {
    raw = JSON.parse(text ?? "");
  } catch {
    return null;
  }
  if (!isObject(raw) || !isId(raw.id) || !isText(raw.text) || !isNumber(raw.at)) return null;
  const word: Word = { id: raw.id, text: raw.text, at: raw.at };
  const { sent, never } = raw;
  if (isObject(sent) && isNumber(sent.at) && isText(sent.by)) {
    word.sent = { at: sent.at, by: sent.by };
  }
  if (never === "left") word.never = never;
  else if (isObject(never) && isText(never.said)) word.never = { said: never.said };
  return word;
}
