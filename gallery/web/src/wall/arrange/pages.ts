// The pages of a wall that has fewer places than cameras.

import { computed, signal } from "@preact/signals";
import { order, places } from "./mine";

/** As last turned to; there may be fewer since. */
const turned = signal(0);

export const pageCount = computed(() => Math.max(1, Math.ceil(order.value.length / places.value)));

/** The page that is shown, from 0. */
export const page = computed(() => Math.min(turned.value, pageCount.value - 1));

/** The first and the last camera on it, counted from 1. */
export const part = computed(() => {
  const before = pageCount.value === 1 ? 0 : page.value * places.value;
  return { from: before + 1, to: Math.min(before + places.value, order.value.length) };
});

/** Whether there was such a page to turn to. */
export function turnPage(by: 1 | -1): boolean {
  const to = page.value + by;
  if (to < 0 || to >= pageCount.value) return false;
  turned.value = to;
  return true;
}

/** Turns to the page that has this camera. */
export function turnTo(camera: string): void {
  const at = order.value.indexOf(camera);
  if (at >= 0 && pageCount.value > 1) turned.value = Math.floor(at / places.value);
}
