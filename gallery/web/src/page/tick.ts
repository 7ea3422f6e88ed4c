// The one clock by which ages on the page go on: four times a second while it is seen.

import { signal } from "@preact/signals";

const EVERY = 250;

/** `Date.now()` of the last tick. */
export const tick = signal(Date.now());

setInterval(() => {
  if (!document.hidden) beat();
}, EVERY);

/** Lets everything that follows the clock look at once. */
export function beat(): void {
  tick.value = Date.now();
}
