// What is done to many photos at once, and taken back as a whole by one Undo.

import { batch } from "@preact/signals";
import { editPhotos, Refusal, type Changes, type Edit } from "../net/api";
import { complain, show, toast } from "../page/notices/toast";
import { words } from "../words/language";
import { hear } from "./album/current-album";
import type { Photo, PhotoEvent } from "./photo";

/** How many the gallery takes in one request. */
const PART = 256;

interface Outcome {
  /** What stayed as it was, and why. */
  refused: Map<string, string>;
}

export async function removeAll(photos: readonly Photo[]): Promise<void> {
  hearAll(photos.map(({ id }) => ({ event: "deleted", id })));
  const gone = editAll(photos, "delete");
  const offer = {
    text: many(words.value.select.deleted, photos.length),
    undo: () => void restoreAll(photos, gone),
    until: gone,
  };
  show(offer);
  const { refused } = await gone;
  if (refused.size === 0) return;
  if (refused.size === photos.length && toast.value === offer) toast.value = null;
  const stay = photos.filter(({ id }) => refused.has(id));
  hearAll(stay.map((photo) => ({ event: "stored", photo })));
  complain(many(words.value.select.notDeleted, refused.size), reason(refused));
}

async function restoreAll(photos: readonly Photo[], gone: Promise<Outcome>): Promise<void> {
  const { refused: stayed } = await gone;
  const back = photos.filter(({ id }) => !stayed.has(id));
  const { refused } = await editAll(back, "restore", (now) =>
    hearAll(now.map((photo) => ({ event: "stored", photo }))),
  );
  if (refused.size > 0)
    complain(many(words.value.select.notRestored, refused.size), reason(refused));
}

/** `said` tells what was done. */
export async function changeAll(
  photos: readonly Photo[],
  changes: Changes,
  said: string,
): Promise<void> {
  const done = changed(photos, changes);
  show({ text: said, undo: () => void changeBack(photos, changes, done), until: done });
  await done;
}

/** Those that were alike before are changed back together. */
async function changeBack(
  photos: readonly Photo[],
  changes: Changes,
  done: Promise<void>,
): Promise<void> {
  await done;
  const alike = new Map<string, { before: Changes; photos: Photo[] }>();
  for (const photo of photos) {
    const before: Changes = {};
    if (changes.caption !== undefined) before.caption = photo.caption ?? "";
    if (changes.pinned !== undefined) before.pinned = photo.pinned ?? false;
    const key = JSON.stringify(before);
    const others = alike.get(key) ?? { before, photos: [] };
    others.photos.push(photo);
    alike.set(key, others);
  }
  for (const { before, photos } of alike.values()) await changed(photos, before);
}

async function changed(photos: readonly Photo[], changes: Changes): Promise<void> {
  const { refused } = await editAll(photos, { change: changes }, (now) =>
    hearAll(now.map((photo) => ({ event: "changed", photo }))),
  );
  if (refused.size > 0)
    complain(many(words.value.select.notChanged, refused.size), reason(refused));
}

/**
 * One request after another; what comes after one that fails stays as it is. `done` is told what
 * each of them made, so that the page has little to do at once.
 */
async function editAll(
  photos: readonly Photo[],
  edit: Edit,
  done: (now: Photo[]) => void = () => {},
): Promise<Outcome> {
  const outcome: Outcome = { refused: new Map() };
  for (let at = 0; at < photos.length; at += PART) {
    const part = photos.slice(at, at + PART).map(({ id }) => id);
    try {
      const { photos: now, refused } = await editPhotos(part, edit);
      done(now);
      for (const { id, status, error } of refused) {
        // Who deleted the same photo elsewhere was quicker.
        const gone = edit === "delete" && (status === 404 || status === 410);
        if (!gone) outcome.refused.set(id, error);
      }
    } catch (error) {
      const said = error instanceof Refusal ? error.message : "";
      for (const { id } of photos.slice(at)) outcome.refused.set(id, said);
      break;
    }
  }
  return outcome;
}

/** Says of how many photos it is. */
export function many(say: (n: string, one: boolean) => string, n: number): string {
  return say(new Intl.NumberFormat(words.value.locale).format(n), n === 1);
}

function hearAll(events: PhotoEvent[]): void {
  batch(() => events.forEach(hear));
}

function reason(refused: Map<string, string>): string {
  return [...refused.values()].find(Boolean) ?? words.value.noAnswer;
}
