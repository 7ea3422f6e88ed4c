// The one clock that advances ages on the page: four times a second while it is visible.

import { signal } from "@preact/signals";

const EVERY = 250;

/** `Date.now()` of the last tick. */
export const tick = signal(Date.now());

setInterval(() => {
  if (!document.hidden) beat();
}, EVERY);

/** Updates everything that follows the clock at once. */
export function beat(): void {
  tick.value = Date.now();
}
