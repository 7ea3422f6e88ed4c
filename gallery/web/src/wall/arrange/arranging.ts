// While somebody arranges the wall: what they do, said aloud, and all of it undone on demand.

import { signal } from "@preact/signals";
import { cameras } from "../../net/gallery";
import { words } from "../../words/language";
import { hide, moved, PLAIN, unhide, type Arrangement, type LayoutName } from "./arrangement";
import { arrangement, largest, order, rearrange } from "./mine";
import { turnTo } from "./pages";

/** How the wall was when the arranging began; null while nobody arranges. */
const before = signal<Arrangement | null>(null);

/** What was done last, for screen readers. */
export const done = signal("");

/** The hidden cameras are listed. */
export const listing = signal(false);

/** The camera that gets the focus once the wall shows it at its new place. */
export let focusing: string | null = null;

export function isArranging(): boolean {
  return before.value !== null;
}

/** `list` the hidden cameras at once. */
export function beginArranging(list = false): void {
  if (before.peek()) return;
  done.value = "";
  listing.value = list;
  before.value = arrangement.peek();
}

export function endArranging(): void {
  before.value = null;
}

/** Everything is as it was before. */
export function undoArranging(): void {
  const old = before.peek();
  if (!old) return;
  rearrange(old);
  endArranging();
}

export function moveTo(camera: string, place: number, focus = false): void {
  const last = order.peek().length - 1;
  const to = Math.min(last, Math.max(0, place));
  if (to !== order.peek().indexOf(camera)) {
    rearrange(moved(arrangement.peek(), here(), camera, to));
    turnTo(camera);
    if (focus) focusing = camera;
  }
  done.value = words.peek().arrange.isAt(nameOf(camera), to + 1, last + 1);
}

export function hideHere(camera: string): void {
  const name = nameOf(camera);
  // The focus goes to the one that takes its place.
  const names = order.peek();
  const at = names.indexOf(camera);
  focusing = names[at + 1] ?? names[at - 1] ?? null;
  rearrange(hide(arrangement.peek(), here(), camera));
  done.value = words.peek().arrange.isHidden(name);
}

export function showAgain(...hidden: string[]): void {
  rearrange(unhide(arrangement.peek(), hidden));
  done.value = words.peek().arrange.isShown(hidden.map(nameOf).join(", "));
}

/** Makes it the large one, or the wall automatic again if it was. */
export function makeLarge(camera: string): void {
  const now = arrangement.peek();
  const { isLarge, isNotLarge } = words.peek().arrange;
  if (largest.peek() === camera) {
    rearrange({ ...now, layout: PLAIN.layout, large: null });
    done.value = isNotLarge(nameOf(camera));
  } else {
    rearrange({ ...now, layout: "large", large: camera });
    done.value = isLarge(nameOf(camera));
  }
}

export function chooseLayout(layout: LayoutName): void {
  rearrange({ ...arrangement.peek(), layout });
}

/** The camera that was to get the focus has it. */
export function focused(): void {
  focusing = null;
}

/** Its name, also while it is not here. */
export function nameOf(camera: string): string {
  return cameras.peek()?.find((other) => other.camera === camera)?.name ?? camera;
}

function here(): string[] {
  return (cameras.peek() ?? []).map(({ camera }) => camera);
}
