// Moves the focus from photo to photo by keys, even to photos that are not loaded yet.

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { answerKeys, arrows } from "../../page/keys/keys";
import { viewed } from "../../page/route";
import type { Album } from "../album/album";
import { cursor } from "../album/current-album";
import { beside, endOf, locate, photoNear, slabAt, spotOf, type Sheet } from "./day-list";
import type { Measure } from "./rows";
import type { Look } from "./viewport";

/** The grid as it lies now. */
interface Lie {
  sheet: Sheet;
  measure: Measure;
  /** The height of a day's heading. */
  head: number;
  /** Where the view begins on the sheet. */
  top: number;
  look: Look;
  focus: (id: string) => void;
}

/** Where the focus goes once the photos there are loaded: an end, or a place in the view. */
type Goal = "first" | "last" | { x: number; below: number };

export function useGridKeys(
  album: Album,
  root: { current: HTMLElement | null },
  lie: () => Lie | null,
): void {
  const goal = useRef<Goal | null>(null);
  const now = useRef(lie);
  now.current = lie;

  /** Goes there if that is loaded. */
  const arrive = (to: Goal): boolean => {
    const here = now.current();
    if (!here) return false;
    const { sheet, head, measure, top, focus } = here;
    const id =
      typeof to === "string"
        ? endOf(sheet, to)
        : photoNear(sheet, to.x, top + to.below, head, measure);
    if (id !== null) focus(id);
    return id !== null;
  };
  useEffect(() => {
    if (goal.current !== null && arrive(goal.current)) goal.current = null;
  });
  // If somebody scrolls in another way, this stops.
  useEffect(() => {
    const forget = (): void => void (goal.current = null);
    for (const way of ["wheel", "pointerdown"]) addEventListener(way, forget, { passive: true });
    return () => {
      for (const way of ["wheel", "pointerdown"]) removeEventListener(way, forget);
    };
  }, []);

  useLayoutEffect(
    () =>
      answerKeys((key) => {
        const here = viewed.value === null ? now.current() : null;
        if (!here || !(key in arrows || key in jumps)) return false;
        goal.current = null;
        const { sheet, measure, head, top, look, focus } = here;
        const inside = root.current!.contains(document.activeElement);
        const from = inside && cursor.value && locate(sheet, cursor.value) ? cursor.value : null;
        const first = slabAt(sheet, top + head)?.photos[0]?.id ?? null;
        const direction = arrows[key];
        if (direction) {
          const next = from === null ? first : beside(sheet, from, direction, measure);
          if (next !== null) focus(next);
          return next !== null;
        }
        const jump = jumps[key]!;
        if (typeof jump === "string") {
          if (!arrive(jump)) {
            goal.current = jump;
            look.lens.scrollTo(jump === "first" ? -1e6 : sheet.height);
          }
          return true;
        }
        const spot = spotOf(sheet, from ?? first ?? "", head, measure);
        if (!spot) return false;
        const y = spot.y + spot.height / 2;
        const by = jump * Math.max(spot.height, look.height - head - spot.height);
        // The view moves as far as it can, and the focus with it.
        look.lens.scrollBy(by);
        const moved = (now.current()?.top ?? top) - top;
        const to = { x: spot.x, below: y - top + by - moved };
        if (!arrive(to)) goal.current = to;
        return true;
      }),
    [album],
  );
}

const jumps: Record<string, "first" | "last" | 1 | -1> = {
  Home: "first",
  End: "last",
  PageDown: 1,
  PageUp: -1,
};
