// Applies events to the known photos.

import type { Day, Photo } from "../photo";
import { shape } from "../grid/rows";

/** Newest first, as the gallery lists them. */
export function order(a: Photo, b: Photo): number {
  return b.taken - a.taken || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

/** Puts this photo in its place and replaces one with the same id. */
export function put(photos: readonly Photo[], photo: Photo): Photo[] {
  const others = without(photos, photo.id);
  const at = others.findIndex((other) => order(photo, other) < 0);
  others.splice(at < 0 ? others.length : at, 0, photo);
  return others;
}

export function without(photos: readonly Photo[], id: string): Photo[] {
  return photos.filter((photo) => photo.id !== id);
}

/** The empty day of a time by this machine's clock and zone. */
export function dayOf(time: number): Day {
  const date = new Date(time);
  const [y, m, d] = [date.getFullYear(), date.getMonth(), date.getDate()];
  return {
    day: `${pad(y, 4)}-${pad(m + 1, 2)}-${pad(d, 2)}`,
    start: new Date(y, m, d).getTime(),
    end: new Date(y, m, d + 1).getTime(),
    count: 0,
    aspect: 0,
    cameras: 0,
  };
}

/** The days with one photo more or fewer; a day without any goes. Newest first. */
export function count(days: readonly Day[], photo: Photo, by: 1 | -1): Day[] {
  const { day, ...empty } = dayOf(photo.taken);
  const before = days.find((other) => other.day === day);
  const now = { day, ...empty, ...before };
  now.count += by;
  now.aspect = Math.max(0, now.aspect + by * shape(photo.width, photo.height));
  if (now.cameras === 0 && photo.camera) now.cameras = 1;
  const others = days.filter((other) => other.day !== day);
  if (now.count <= 0) return others;
  const at = others.findIndex((other) => other.start < now.start);
  others.splice(at < 0 ? others.length : at, 0, now);
  return others;
}

/** The days with one photo more or fewer, whether it has the word or not. */
export function countAll(days: readonly Day[], photo: Photo, by: 1 | -1): Day[] {
  const { day } = dayOf(photo.taken);
  return days.map((other) =>
    other.day === day && other.of !== undefined ? { ...other, of: other.of + by } : other,
  );
}

/** A day computed from its photos, when all of them are known. */
export function recount(day: Day, photos: readonly Photo[]): Day {
  const cameras = new Set(photos.map(({ camera }) => camera).filter(Boolean));
  const aspect = photos.reduce((sum, { width, height }) => sum + shape(width, height), 0);
  return { ...day, count: photos.length, aspect, cameras: cameras.size };
}

function pad(n: number, digits: number): string {
  return String(n).padStart(digits, "0");
}
