// Uploads: a few at once, each with its own outcome. Those that a lost connection
// interrupts go on by themselves.

import { effect, signal, type ReadonlySignal } from "@preact/signals";
import type { FileKind, OtherKind } from "./file-kind";
import { newId } from "../photo";
import type { Limits } from "./smaller";

const AT_ONCE = 3;
/** Milliseconds before the first retry, and at most. */
const FIRST = 1_000;
const MOST = 30_000;
/** How often an upload may fail while there is a connection. */
const TRIES = 8;
/** An upload without progress for so long after a reconnection was lost with the old connection. */
const STILL = 10_000;

/** Why a picture is not added, and what may help. */
export type Obstacle =
  /** It is too large: above `most` bytes, or as the gallery says. It can be made smaller. */
  | { why: "large"; most: number | null; said: string }
  /** It is of this kind; `readable` if the browser can make a JPEG of it. */
  | { why: "kind"; kind: OtherKind; readable: boolean }
  /** It is no picture, the browser cannot read the file, or it cannot make it smaller. */
  | { why: "none" | "unreadable" | "unmade" }
  /** The gallery's reason; most often the file only begins as a picture. */
  | { why: "refused"; said: string }
  /** A retry may help: the gallery's disk is full, or it does not answer or fails. */
  | { why: "full" | "away"; said: string };

export type Fate =
  /** Its kind is being checked. */
  | { is: "looking" }
  /** It waits for its turn, or for the connection. */
  | { is: "waiting" }
  /** `part` of it has left, 0 to 1. */
  | { is: "sending"; part: number }
  /** It is being made smaller. */
  | { is: "making" }
  /** Stored as this photo; `already` if it existed before. */
  | ({ is: "stored" } & Stored)
  | ({ is: "failed" } & Obstacle);

export interface Stored {
  id: string;
  already: boolean;
}

export interface Upload {
  key: number;
  /** The `Idempotency-Key` of its retries, so that it is stored once. */
  name: string;
  file: File;
  fate: Fate;
}

/** The transport. A refusal of the gallery rejects with `{status, message}`. */
export interface Carrier {
  /** Rejects if the file cannot be read. */
  kind(file: File): Promise<FileKind>;
  /** Whether the browser can make a JPEG of it. */
  reads(kind: OtherKind, file: File): Promise<boolean>;
  limits(): Promise<Limits>;
  /** Resolves when it is stored. */
  send(file: File, name: string, part: (part: number) => void, stop: AbortSignal): Promise<Stored>;
  /** `hard` if it was refused although its bytes were few enough. Rejects if it is impossible. */
  asJpeg(file: File, limits: Limits, hard: boolean): Promise<File>;
}

interface Trip {
  stop: AbortController;
  /** Bytes went out since the reconnection. */
  moves: boolean;
}

export class Queue {
  readonly uploads = signal<readonly Upload[]>([]);
  readonly #carrier: Carrier;
  readonly #ready: ReadonlySignal<boolean>;
  readonly #linked: ReadonlySignal<boolean>;
  readonly #trips = new Map<number, Trip>();
  /** How often each failed while there was a connection. */
  readonly #lost = new Map<number, { ever: boolean; tries: number }>();
  #last = 0;
  #pause = FIRST;
  #rest: ReturnType<typeof setTimeout> | undefined;

  /** Sends nothing before it is `ready`; `linked` means that the gallery answered lately. */
  constructor(carrier: Carrier, ready: ReadonlySignal<boolean>, linked: ReadonlySignal<boolean>) {
    this.#carrier = carrier;
    this.#ready = ready;
    this.#linked = linked;
    effect(() => void (ready.value && this.#go()));
    let before = linked.peek();
    effect(() => {
      if (linked.value && !before) this.#returned();
      before = linked.value;
    });
  }

  add(files: readonly File[]): void {
    const uploads = files.map((file): Upload => ({
      key: ++this.#last,
      ...waiting(file),
      fate: { is: "looking" },
    }));
    this.uploads.value = [...this.uploads.peek(), ...uploads];
    for (const upload of uploads) void this.#look(upload);
  }

  again(key: number): void {
    this.#lost.delete(key);
    this.#tell(key, { is: "waiting" });
    this.#go();
  }

  /** Makes an acceptable JPEG of it, or sends it unchanged if the gallery accepts more by now. */
  async smaller(key: number): Promise<void> {
    const upload = this.#find(key);
    if (upload?.fate.is !== "failed") return;
    const { file, fate } = upload;
    this.#tell(key, { is: "making" });
    try {
      const limits = await this.#carrier.limits();
      const large = fate.why === "large";
      const fits = file.size <= limits.bytes;
      if (large && fate.most !== null && fits) return this.again(key);
      const made = await this.#carrier.asJpeg(file, limits, large && fits);
      this.#lost.delete(key);
      // Other bytes need another key.
      this.#change(key, waiting(made));
      this.#go();
    } catch (error) {
      const lost = (error as { status?: number }).status !== undefined;
      this.#tell(key, lost ? fate : { is: "failed", why: "unmade" });
    }
  }

  remove(key: number): void {
    this.uploads.value = this.uploads.peek().filter((upload) => upload.key !== key);
  }

  /** Removes finished uploads. */
  clear(): void {
    this.uploads.value = this.uploads.peek().filter(({ fate }) => !ended(fate));
  }

  async #look({ key, file }: Upload): Promise<void> {
    const obstacle = await this.#obstacle(file);
    this.#tell(key, obstacle ? { is: "failed", ...obstacle } : { is: "waiting" });
    this.#go();
  }

  async #obstacle(file: File): Promise<Obstacle | null> {
    const kind = await this.#carrier.kind(file).catch(() => "unreadable" as const);
    if (kind === "taken") return null;
    if (kind === "none" || kind === "unreadable") return { why: kind };
    return { why: "kind", kind, readable: await this.#carrier.reads(kind, file) };
  }

  #go(): void {
    if (!this.#ready.peek() || this.#rest !== undefined) return;
    const next = this.uploads.peek().filter(({ fate }) => fate.is === "waiting");
    for (const upload of next.slice(0, AT_ONCE - this.#trips.size)) void this.#carry(upload);
  }

  async #carry({ key, name, file }: Upload): Promise<void> {
    const trip: Trip = { stop: new AbortController(), moves: true };
    this.#trips.set(key, trip);
    const part = (part: number): void => {
      trip.moves = true;
      this.#tell(key, { is: "sending", part });
    };
    part(0);
    const fate = await this.#fate(key, file, name, part, trip.stop.signal);
    this.#trips.delete(key);
    this.#tell(key, fate);
    this.#go();
  }

  async #fate(
    key: number,
    file: File,
    name: string,
    part: (part: number) => void,
    stop: AbortSignal,
  ): Promise<Fate> {
    try {
      const { bytes } = await this.#carrier.limits();
      if (file.size > bytes) return { is: "failed", why: "large", most: bytes, said: "" };
      const { id, already } = await this.#carrier.send(file, name, part, stop);
      this.#pause = FIRST;
      // After a lost answer, a photo that exists already is the one sent before.
      return { is: "stored", id, already: already && !this.#lost.get(key)?.ever };
    } catch (error) {
      const { status = 0, message = "" } = error as { status?: number; message?: string };
      if (!passes(status)) return { is: "failed", ...obstacleOf(status, message) };
      // A changed or removed file fails like a connection.
      const there = await this.#carrier.kind(file).catch(() => null);
      if (there === null) return { is: "failed", why: "unreadable" };
      const { tries = 0 } = this.#lost.get(key) ?? {};
      const counted = tries + (this.#linked.peek() ? 1 : 0);
      this.#lost.set(key, { ever: true, tries: counted });
      this.#wait();
      if (counted < TRIES) return { is: "waiting" };
      return { is: "failed", ...obstacleOf(status, status > 0 ? message : "") };
    }
  }

  /** Starts nothing new for a while, which grows. */
  #wait(): void {
    if (this.#rest !== undefined) return;
    this.#rest = setTimeout(() => this.#wake(), this.#pause);
    this.#pause = Math.min(MOST, this.#pause * 2);
  }

  #wake(): void {
    clearTimeout(this.#rest);
    this.#rest = undefined;
    this.#go();
  }

  /** The connection is back: waiting uploads go on at once, and those that it broke start again. */
  #returned(): void {
    this.#pause = FIRST;
    this.#wake();
    const trips = [...this.#trips.values()];
    for (const trip of trips) trip.moves = false;
    setTimeout(() => {
      for (const trip of trips) if (!trip.moves) trip.stop.abort();
    }, STILL);
  }

  #find(key: number): Upload | undefined {
    return this.uploads.peek().find((upload) => upload.key === key);
  }

  #tell(key: number, fate: Fate): void {
    this.#change(key, { fate });
  }

  #change(key: number, change: Partial<Upload>): void {
    this.uploads.value = this.uploads
      .peek()
      .map((upload) => (upload.key === key ? { ...upload, ...change } : upload));
  }
}

function waiting(file: File): Omit<Upload, "key"> {
  const name = newId(Date.now(), crypto.getRandomValues(new Uint8Array(16)));
  return { name, file, fate: { is: "waiting" } };
}

export function ended(fate: Fate): boolean {
  return fate.is === "stored" || fate.is === "failed";
}

/**
 * Whether it passes by itself: the gallery or a proxy before it does not answer, is overloaded,
 * or does not know this person yet (401) because it has just restarted.
 */
export function passes(status: number): boolean {
  return [0, 401, 408, 429, 502, 503, 504].includes(status);
}

function obstacleOf(status: number, said: string): Obstacle {
  if (status === 413) return { why: "large", most: null, said };
  if (status === 507) return { why: "full", said };
  const failed = status < 400 || status >= 500 || passes(status);
  return { why: failed ? "away" : "refused", said: status === 415 ? "" : said };
}
