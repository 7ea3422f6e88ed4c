// The one clock by which ages on the page go on: four times a second while it is seen.

import { signal } from "@preact/signals";

const EVERY = 250;

/** `Date.now()` of the last tick. */
export const tick = signal(Date.now());

setInterval(() => {
  if (!document.hidden) tick.value = Date.now();
}, EVERY);
