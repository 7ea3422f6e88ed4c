// All days below each other: their heights, the rows near the view, and what keeps its
// place when a height changes.

import type { Direction } from "../../wall/layout/neighbour";
import type { Day, Photo } from "../photo";
import { boxesOf, guess, justify, shape, tall, type Measure, type Row } from "./rows";

export interface Margins {
  /** Of a day's heading. */
  head: number;
  /** Below a day. */
  foot: number;
}

export interface Slab {
  day: Day;
  /** Those that are loaded: the newest of the day. */
  photos: readonly Photo[];
  aspects: number[];
  rows: Row[];
  /** From the top of the sheet. */
  top: number;
  height: number;
  /** The height of the rows that are not loaded, at the foot of the day. */
  rest: number;
}

export interface Loaded {
  photos: readonly Photo[];
  /** Whether these are all photos of the day. */
  whole: boolean;
}

/** A place on the sheet that must not move. */
export interface Anchor {
  day: string;
  /** The first photo in view; null if none is loaded: then it is the day itself. */
  photo: string | null;
  /** How far below its top the view begins; negative where that is above. */
  below: number;
}

export interface Sheet {
  slabs: Slab[];
  height: number;
}

export function arrange(
  days: readonly Day[],
  loaded: (day: string) => Loaded | undefined,
  measure: Measure,
  { head, foot }: Margins,
): Sheet {
  let top = 0;
  const slabs = days.map((day) => {
    const have = loaded(day.day);
    const { aspects, rows, rest } = fill(day, have, measure);
    const height = head + tall(rows) + rest + foot;
    const slab = { day, photos: have?.photos ?? [], aspects, rows, top, height, rest };
    top += height;
    return slab;
  });
  return { slabs, height: top };
}

interface Filled {
  aspects: number[];
  rows: Row[];
  rest: number;
}

const NOTHING: readonly Photo[] = [];

/** Caches unchanged days, so that a new photo does not recompute them. */
const known = new WeakMap<readonly Photo[], { key: string; filled: Filled }>();

function fill(day: Day, have: Loaded | undefined, measure: Measure): Filled {
  if (!have) return { aspects: [], rows: [], rest: guess(day.count, day.aspect, measure) };
  const { width, target, gap } = measure;
  const key = [width, target, gap, day.count, day.aspect, have.whole].join();
  const before = known.get(have.photos);
  if (before?.key === key) return before.filled;
  const aspects = have.photos.map((photo) => shape(photo.width, photo.height));
  const rows = justify(aspects, measure);
  let rest = 0;
  if (!have.whole) {
    // The last row may get more photos, so it waits for them.
    const shown = rows.length > 1 ? rows.pop()!.from : aspects.length;
    const sum = aspects.slice(0, shown).reduce((total, aspect) => total + aspect, 0);
    const left = Math.max(1, day.count - shown);
    rest = gap + guess(left, Math.max(left * 0.5, day.aspect - sum), measure);
  }
  const filled = { aspects, rows, rest };
  if (have.photos !== NOTHING) known.set(have.photos, { key, filled });
  return filled;
}

/** The day at this height; the last one below all. Null if there is none. */
export function slabAt({ slabs }: Sheet, y: number): Slab | null {
  let low = 0;
  let high = slabs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (slabs[middle]!.top <= y) low = middle;
    else high = middle - 1;
  }
  return slabs[low] ?? null;
}

/** The days of which a part lies between these heights. */
export function slabsBetween(sheet: Sheet, from: number, to: number): Slab[] {
  const first = slabAt(sheet, from);
  if (!first) return [];
  const start = sheet.slabs.indexOf(first);
  const end = sheet.slabs.findIndex((slab, i) => i > start && slab.top >= to);
  return sheet.slabs.slice(start, end < 0 ? undefined : end);
}

/** The rows of a day of which a part lies between these heights of the sheet. */
export function rowsBetween(slab: Slab, head: number, from: number, to: number): Row[] {
  const top = slab.top + head;
  return slab.rows.filter((row) => top + row.y + row.height > from && top + row.y < to);
}

/** The place to keep for a view from this height to that one. */
export function anchorAt(sheet: Sheet, from: number, to: number, head: number): Anchor | null {
  const slabs = slabsBetween(sheet, from, to);
  for (const slab of slabs) {
    const top = slab.top + head;
    const row = slab.rows.find((row) => top + row.y + row.height > from);
    const photo = row && slab.photos[row.from];
    if (row && photo && top + row.y < to) {
      return { day: slab.day.day, photo: photo.id, below: from - top - row.y };
    }
  }
  const [first, second] = slabs;
  const slab = second ?? first;
  return slab ? { day: slab.day.day, photo: null, below: from - slab.top } : null;
}

/** Where the view must begin now; null if the day is gone. */
export function heightOf(sheet: Sheet, anchor: Anchor, head: number): number | null {
  const slab = sheet.slabs.find(({ day }) => day.day === anchor.day);
  if (!slab) return null;
  if (anchor.photo !== null) {
    const index = slab.photos.findIndex(({ id }) => id === anchor.photo);
    const row = slab.rows.find(({ from, to }) => index >= from && index < to);
    if (row) return slab.top + head + row.y + anchor.below;
  }
  return slab.top + Math.min(Math.max(anchor.below, -slab.top), slab.height);
}

/** The row at a height of the sheet, or the nearest of its day; null if that is not loaded. */
export function rowAt(sheet: Sheet, y: number, head: number): { slab: Slab; row: Row } | null {
  const slab = slabAt(sheet, y);
  if (!slab) return null;
  const below = y - slab.top - head;
  const row = slab.rows.find((row) => row.y + row.height > below);
  if (row) return { slab, row };
  const last = slab.rows.at(-1);
  return last && slab.rest === 0 ? { slab, row: last } : null;
}

/** The photo at a height of the sheet whose middle is nearest to `x`; null if none is loaded. */
export function photoNear(
  sheet: Sheet,
  x: number,
  y: number,
  head: number,
  measure: Measure,
): string | null {
  const found = rowAt(sheet, y, head);
  return found && nearest(found.slab, found.row, x, measure);
}

/** The middle of a photo on the sheet: across, and the top of its row; null if it is not there. */
export function spotOf(
  sheet: Sheet,
  id: string,
  head: number,
  measure: Measure,
): { x: number; y: number; height: number } | null {
  const here = locate(sheet, id);
  if (!here) return null;
  const { slab, row, index } = here;
  const x = middleOf(boxesOf(row, slab.aspects, measure)[index - row.from]);
  return { x, y: slab.top + head + row.y, height: row.height };
}

/** The first or the last photo of all; null if it is not loaded. */
export function endOf({ slabs }: Sheet, end: "first" | "last"): string | null {
  const slab = end === "first" ? slabs[0] : slabs.at(-1);
  if (!slab || (end === "last" && slab.rest > 0)) return null;
  return slab.photos.at(end === "first" ? 0 : -1)?.id ?? null;
}

/** Where a photo is: its day, its row, and its place in the day. */
export function locate(sheet: Sheet, id: string): { slab: Slab; row: Row; index: number } | null {
  for (const slab of sheet.slabs) {
    const index = slab.photos.findIndex((photo) => photo.id === id);
    const row = slab.rows.find(({ from, to }) => index >= from && index < to);
    if (row) return { slab, row, index };
  }
  return null;
}

/** The photo beside, above or below another one; null at an edge of what is loaded. */
export function beside(
  sheet: Sheet,
  id: string,
  direction: Direction,
  measure: Measure,
): string | null {
  const here = locate(sheet, id);
  if (!here) return null;
  const { slab, row, index } = here;
  const forward = direction === "right" || direction === "down";
  const next = sheet.slabs[sheet.slabs.indexOf(slab) + (forward ? 1 : -1)];
  if (direction === "left" || direction === "right") {
    const other = slab.photos[index + (forward ? 1 : -1)];
    return (other ?? (forward ? next?.photos[0] : next?.photos.at(-1)))?.id ?? null;
  }
  const middle = middleOf(boxesOf(row, slab.aspects, measure)[index - row.from]);
  const at = slab.rows.indexOf(row) + (forward ? 1 : -1);
  const where = slab.rows[at] ? slab : next;
  const line = slab.rows[at] ?? (forward ? next?.rows[0] : next?.rows.at(-1));
  return where && line ? nearest(where, line, middle, measure) : null;
}

/** The photo of a row whose middle is nearest to `x`. */
function nearest(slab: Slab, row: Row, x: number, measure: Measure): string | null {
  const off = boxesOf(row, slab.aspects, measure).map((box) => Math.abs(middleOf(box) - x));
  return slab.photos[row.from + off.indexOf(Math.min(...off))]?.id ?? null;
}

function middleOf(box: { x: number; width: number } | undefined): number {
  return box ? box.x + box.width / 2 : 0;
}
