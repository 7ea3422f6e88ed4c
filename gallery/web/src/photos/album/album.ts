// The photos of one filter, as far as they are loaded: which days exist, and the photos of the days
// near the view.

import { computed, signal } from "@preact/signals";
import type { Listed } from "../../net/api";
import { matches, query, type Filter } from "../filter/filter";
import { count, countAll, dayOf, order, put, recount, without } from "./merge";
import type { Day, Photo, PhotoEvent } from "../photo";
import type { Loaded } from "../grid/day-list";

/** The requests to the gallery. */
export interface Source {
  days(filter: Filter, signal: AbortSignal): Promise<Day[]>;
  photos(asked: Record<string, string>, signal: AbortSignal): Promise<Listed>;
  /** Whether the filter means this photo. */
  has(filter: Filter, photo: Photo): Promise<boolean>;
}

/** How long a photo counts as new, in milliseconds. */
export const NEW = 1_000;
/** The most photos kept in memory; beyond that it forgets those seen longest ago. */
const MOST = 20_000;
/** Requests at once. */
const AT_ONCE = 2;
/** The most photos that can be new. */
const NEWS = 999;
/** The most photos of which the gallery is asked one by one whether they have the word. */
const JUDGED = 8;
/** After a failed request, or in doubt, it asks again after this time. */
const AGAIN = 2_000;

interface Known extends Loaded {
  /** Where the rest of the day begins. */
  next: string | null;
  used: number;
}

interface Running {
  stop: AbortController;
  /** Events since the request. */
  missed: PhotoEvent[];
}

export interface Fresh {
  photo: Photo;
  /** When it arrived, by `Date.now()`. */
  came: number;
  /** It has been in view. */
  seen: boolean;
}

/** What one view of the page needs. */
export interface Need {
  /** Days to keep in memory. */
  near: readonly string[];
  /** Days whose photos it needs, the first ones first. */
  more: readonly string[];
}

export class Album {
  readonly filter: Filter;
  /** Newest first; null before they are known. */
  readonly days = signal<readonly Day[] | null>(null);
  readonly loaded = signal<ReadonlyMap<string, Known>>(new Map());
  /** The gallery did not answer. */
  readonly failed = signal(false);
  /** Photos that arrived while the page was open. */
  readonly fresh = new Map<string, Fresh>();
  readonly total = computed(() => (this.days.value ?? []).reduce((sum, day) => sum + day.count, 0));

  readonly #source: Source;
  readonly #needs = new Map<string, Need>();
  readonly #running = new Map<string, Running>();
  readonly #stale = new Set<string>();
  /** Photos that events have counted already, and photos deleted here. */
  readonly #counted = new Set<string>();
  readonly #gone = new Set<string>();
  /** Which came and which went since the days were counted, with and without the word. */
  readonly #counts = new Map<string, 1 | -1>();
  /** The newest event of each photo of which the gallery is asked whether it has the word. */
  readonly #judged = new Map<string, PhotoEvent>();
  #asking: AbortController | null = null;
  #doubt = false;
  #asleep = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  #clock = 0;

  constructor(filter: Filter, source: Source) {
    this.filter = filter;
    this.#source = source;
    void this.refresh();
  }

  /** Loads the days, and again the photos of those in view. */
  async refresh(): Promise<void> {
    this.#asking?.abort();
    clearTimeout(this.#again);
    const asking = (this.#asking = new AbortController());
    this.#doubt = this.#asleep = false;
    try {
      const days = await this.#source.days(this.filter, asking.signal);
      if (asking.signal.aborted) return;
      this.#asking = null;
      this.#counted.clear();
      this.#counts.clear();
      this.failed.value = false;
      const here = new Set(days.map(({ day }) => day));
      const loaded = [...this.loaded.peek()].filter(([day]) => here.has(day));
      for (const [day] of loaded) this.#stale.add(day);
      this.days.value = days;
      this.loaded.value = new Map(loaded);
      if (this.#doubt) this.#later();
      this.#pump();
    } catch {
      if (asking.signal.aborted) return;
      this.#asking = null;
      this.failed.value = true;
      this.#later();
    }
  }

  /** `who` now needs these days; it stops waiting for what nobody needs. */
  need(who: string, need: Need): void {
    this.#needs.set(who, need);
    if (this.#asleep) void this.refresh();
    const wanted = new Set(this.#wanted());
    for (const [day, { stop }] of this.#running) {
      if (wanted.has(day)) continue;
      stop.abort();
      this.#running.delete(day);
    }
    this.#pump();
  }

  needNothing(who: string): void {
    this.#needs.delete(who);
  }

  hear(event: PhotoEvent): void {
    // Nobody looks: events since now are loaded when somebody does.
    if (this.#needs.size === 0) {
      this.#asleep = true;
      return;
    }
    if (event.event === "deleted") this.#judged.delete(event.id);
    else if (this.filter.word && matches(this.filter, event.photo)) return void this.#judge(event);
    this.#hear(event, event.event !== "deleted" && matches(this.filter, event.photo));
  }

  /** One rule says what has a word, and the gallery has it. */
  async #judge(event: Exclude<PhotoEvent, { event: "deleted" }>): Promise<void> {
    const { id } = event.photo;
    const before = this.#judged.get(id);
    // A changed one that is not loaded may be among them, or not.
    const unknown = event.event === "changed" && !before && !this.find(id);
    if (unknown || (!before && this.#judged.size >= JUDGED)) return this.#later();
    const now: typeof event = before?.event === "stored" ? { ...event, event: "stored" } : event;
    this.#judged.set(id, now);
    try {
      const meant = await this.#source.has(this.filter, now.photo);
      if (this.#judged.get(id) !== now) return;
      this.#hear(now, meant);
    } catch {
      if (this.#judged.get(id) === now) this.#later();
    }
    if (this.#judged.get(id) === now) this.#judged.delete(id);
  }

  /** `meant`: the photo is among those of the filter. */
  #hear(event: PhotoEvent, meant: boolean): void {
    const id = event.event === "deleted" ? event.id : event.photo.id;
    const told: PhotoEvent = meant ? event : { event: "deleted", id };
    for (const { missed } of this.#running.values()) missed.push(told);
    if (this.#asking) this.#doubt = true;
    if (event.event === "stored") this.#countAll(event.photo, 1);
    const gone = event.event === "deleted" ? (this.find(id) ?? event.photo) : null;
    if (gone) this.#countAll(gone, -1);
    if (event.event === "deleted") this.#remove(id);
    else if (!meant) this.#remove(id, true);
    else this.#take(event.photo, event.event === "stored");
  }

  /** The photo at this position, newest first; null if it is not loaded. */
  photoAt(index: number): Photo | null {
    const { day, within } = this.dayAt(index) ?? {};
    return (day && this.loaded.value.get(day.day)?.photos[within ?? 0]) ?? null;
  }

  /** The day of the photo at this position. */
  dayAt(index: number): { day: Day; within: number } | null {
    let within = index;
    for (const day of this.days.value ?? []) {
      if (within < day.count) return within >= 0 ? { day, within } : null;
      within -= day.count;
    }
    return null;
  }

  /** The position of a photo; null if it is not loaded. */
  indexOf({ id, taken }: Photo): number | null {
    const { day } = dayOf(taken);
    let before = 0;
    for (const other of this.days.value ?? []) {
      if (other.day === day) {
        const at = this.loaded.value.get(day)?.photos.findIndex((photo) => photo.id === id) ?? -1;
        return at < 0 ? null : before + at;
      }
      before += other.count;
    }
    return null;
  }

  find(id: string): Photo | null {
    for (const { photos } of this.loaded.value.values()) {
      const photo = photos.find((photo) => photo.id === id);
      if (photo) return photo;
    }
    return null;
  }

  close(): void {
    this.#asking?.abort();
    clearTimeout(this.#again);
    for (const { stop } of this.#running.values()) stop.abort();
    this.#running.clear();
    this.#judged.clear();
    this.#needs.clear();
  }

  #take(photo: Photo, stored: boolean): void {
    const { day } = dayOf(photo.taken);
    const before = this.find(photo.id);
    const again = this.#gone.delete(photo.id);
    if (before && dayOf(before.taken).day !== day) this.#remove(photo.id, true);
    else if (before) return this.#keep(day, { photos: put(this.#photos(day), photo) });
    if (!stored && !before) return;
    if (!this.#counted.has(photo.id)) {
      this.#counted.add(photo.id);
      if (this.days.peek()) this.days.value = count(this.days.peek() ?? [], photo, 1);
      if (!again && this.fresh.size < NEWS)
        this.fresh.set(photo.id, { photo, came: Date.now(), seen: false });
    }
    const have = this.loaded.peek().get(day);
    const last = have?.photos.at(-1);
    if (have && (have.whole || (last && order(photo, last) < 0))) {
      this.#keep(day, { photos: put(have.photos, photo) });
    } else if (!have && this.days.peek()?.find((other) => other.day === day)?.count === 1) {
      this.#keep(day, { photos: [photo], whole: true });
    }
  }

  /** With and without the word; the same thing is often told twice. */
  #countAll(photo: Photo, by: 1 | -1): void {
    const days = this.days.peek();
    if (!this.filter.word || !days || this.#counts.get(photo.id) === by) return;
    this.#counts.set(photo.id, by);
    this.days.value = countAll(days, photo, by);
  }

  #remove(id: string, known = false): void {
    const photo = this.find(id);
    if (this.#gone.has(id)) return;
    this.fresh.delete(id);
    if (!photo) {
      // Only the gallery knows the day of a photo that is not loaded.
      if (!known) this.#later();
      return;
    }
    this.#gone.add(id);
    this.#counted.delete(id);
    const { day } = dayOf(photo.taken);
    this.#keep(day, { photos: without(this.#photos(day), id) });
    this.days.value = count(this.days.peek() ?? [], photo, -1);
  }

  #photos(day: string): readonly Photo[] {
    return this.loaded.peek().get(day)?.photos ?? [];
  }

  #keep(day: string, known: Partial<Known>): void {
    const before = this.loaded.peek().get(day);
    const now = { photos: [], whole: false, next: null, ...before, ...known, used: ++this.#clock };
    this.loaded.value = new Map(this.loaded.peek()).set(day, now);
  }

  #wanted(): string[] {
    const needs = [...this.#needs.values()];
    const stale = needs.flatMap(({ near }) => near).filter((day) => this.#stale.has(day));
    return [...new Set([...needs.flatMap(({ more }) => more), ...stale])];
  }

  #pump(): void {
    if (!this.days.peek()) return;
    for (const day of this.#wanted()) {
      if (this.#running.size >= AT_ONCE) break;
      const whole = this.loaded.peek().get(day)?.whole;
      if (this.#running.has(day) || (whole && !this.#stale.has(day))) continue;
      void this.#load(day);
    }
    this.#forget();
  }

  async #load(name: string): Promise<void> {
    const day = this.days.peek()?.find((other) => other.day === name);
    if (!day) return;
    const running: Running = { stop: new AbortController(), missed: [] };
    this.#running.set(name, running);
    const { signal } = running.stop;
    const stale = this.#stale.has(name);
    const before = this.loaded.peek().get(name);
    const span = query(this.filter);
    const asked = { ...span, from: `${day.start}`, to: `${day.end}` };
    try {
      let photos: readonly Photo[] = stale ? [] : (before?.photos ?? []);
      let next = stale ? null : (before?.next ?? null);
      // A reload never shows less than before.
      do {
        const page = { ...asked, ...(next === null ? {} : { before: next }) };
        const listed = await this.#source.photos(page, signal);
        if (signal.aborted) return;
        const here = new Set(photos.map(({ id }) => id));
        photos = [...photos, ...listed.photos.filter(({ id }) => !here.has(id))];
        next = listed.next;
      } while (next !== null && stale && photos.length < (before?.photos.length ?? 0));
      this.#running.delete(name);
      this.#stale.delete(name);
      this.#got(day, photos, next, running.missed);
    } catch {
      if (signal.aborted) return;
      this.#running.delete(name);
      this.#later();
      return;
    }
    this.#pump();
  }

  #got(day: Day, listed: readonly Photo[], next: string | null, missed: PhotoEvent[]): void {
    let photos = listed;
    for (const event of missed) {
      if (event.event === "deleted") photos = without(photos, event.id);
      else if (dayOf(event.photo.taken).day === day.day) {
        photos = put(photos, event.photo);
      }
    }
    this.#keep(day.day, { photos, next, whole: next === null });
    if (next !== null) return;
    const days = this.days.peek() ?? [];
    this.days.value =
      photos.length === 0
        ? days.filter((other) => other.day !== day.day)
        : days.map((other) => (other.day === day.day ? recount(other, photos) : other));
  }

  #later(): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => void this.refresh(), AGAIN);
  }

  #forget(): void {
    const near = new Set([...this.#needs.values()].flatMap(({ near, more }) => [...near, ...more]));
    let sum = 0;
    for (const { photos } of this.loaded.peek().values()) sum += photos.length;
    if (sum <= MOST) return;
    const oldest = [...this.loaded.peek()].sort(([, a], [, b]) => a.used - b.used);
    const kept = new Map(this.loaded.peek());
    for (const [day, { photos }] of oldest) {
      if (sum <= MOST / 2) break;
      if (near.has(day)) continue;
      kept.delete(day);
      sum -= photos.length;
    }
    this.loaded.value = kept;
  }
}
