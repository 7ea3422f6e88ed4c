// The wall as this browser wants it: kept here, and in the address, so that a link shows the same.

import { computed, signal } from "@preact/signals";
import { cameras } from "../../net/gallery";
import { keep, kept } from "../../page/storage";
import { gridOf } from "../layout/grid";
import {
  ADDRESS,
  inOrder,
  KEYS,
  PLAIN,
  readArrangement,
  writeArrangement,
  type Arrangement,
} from "./arrangement";

const KEPT = "wall";

/** What the address asks for counts more than what this browser keeps, and is not kept before a change. */
export const arrangement = signal<Arrangement>(
  readArrangement(location.search) ?? readArrangement(kept(KEPT) ?? "") ?? PLAIN,
);

/** Changes it, by the hand of who looks. */
export function rearrange(wanted: Arrangement): void {
  arrangement.value = wanted;
  keep(KEPT, writeArrangement(wanted));
  tellAddress();
}

/** The cameras of this wall in its order, without the hidden ones; null before the first list. */
export const shown = computed(() => {
  const { order, hidden } = arrangement.value;
  const all = cameras.value;
  const isHidden = new Set(hidden);
  return all && inOrder(all, order).filter(({ camera }) => !isHidden.has(camera));
});

/** Their names. */
export const order = computed(() => (shown.value ?? []).map(({ camera }) => camera));

/** The one that is large on the wall: the chosen one if it is here, else the first. */
export const largest = computed(() => {
  const { layout, large } = arrangement.value;
  if (layout !== "large") return null;
  const names = order.value;
  return large !== null && names.includes(large) ? large : (names[0] ?? null);
});

/** How many cameras one page of a fixed layout shows; all in others. */
export const places = computed(() => {
  const grid = gridOf(arrangement.value.layout);
  return grid ? grid.columns * grid.rows : Infinity;
});

/** Says in the address how the wall is arranged; what else it asks for stays. */
function tellAddress(): void {
  const asked = new URLSearchParams(location.search);
  for (const key of KEYS) asked.delete(key);
  const parts = [asked.toString(), writeArrangement(arrangement.peek(), ADDRESS)].filter(Boolean);
  const search = parts.length > 0 ? `?${parts.join("&")}` : "";
  if (search === location.search) return;
  history.replaceState(history.state, "", `${location.pathname}${search}${location.hash}`);
}

tellAddress();
// An address from before is of another arrangement; this one stays.
addEventListener("popstate", tellAddress);
