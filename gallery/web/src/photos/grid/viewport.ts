// The visible part of the photos: how far the page is scrolled, and how large the room is.

import type { Margins } from "./day-list";
import type { Measure } from "./rows";

export interface Look {
  lens: Lens;
  /** Where the view begins below the top of the photos, in pixels; negative above them. */
  top: number;
  height: number;
  width: number;
  /** Pixels of a rem. */
  rem: number;
  /** It moves faster than one can see. */
  racing: boolean;
}

/** Reads and moves the view. */
export interface Lens {
  top(): number;
  scrollTo(top: number): void;
  scrollBy(pixels: number): void;
}

/** From this width on rows are tall and photos further apart, in rem. */
const WIDE = 52;
/** A view that moves by this part of its height at once scrolls fast, and rests after this time. */
const RACE = 0.8;
const REST = 120;

/** Calls `look` now and whenever the view of `content` moves or changes its size. */
export function follow(content: HTMLElement, look: (look: Look) => void): () => void {
  const scroller = content.closest("main")!;
  const above = (): number =>
    content.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  const lens: Lens = {
    top: () => -above(),
    scrollTo: (top: number) => lens.scrollBy(top + above()),
    scrollBy: (pixels: number) => {
      scroller.scrollTop += pixels;
      say();
    },
  };
  let last = lens.top();
  let racing = false;
  let rest: ReturnType<typeof setTimeout> | undefined;
  let frame = 0;

  const say = (): void => {
    last = lens.top();
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const { clientHeight: height } = scroller;
    look({ lens, top: last, height, width: content.clientWidth, rem, racing });
  };
  const scrolled = (): void => {
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      const by = Math.abs(lens.top() - last);
      if (by > scroller.clientHeight * RACE) racing = true;
      if (racing) {
        clearTimeout(rest);
        rest = setTimeout(() => {
          racing = false;
          say();
        }, REST);
      }
      say();
    });
  };
  say();
  scroller.addEventListener("scroll", scrolled, { passive: true });
  const sized = new ResizeObserver(say);
  sized.observe(scroller);
  sized.observe(content);
  return () => {
    scroller.removeEventListener("scroll", scrolled);
    sized.disconnect();
    clearTimeout(rest);
    cancelAnimationFrame(frame);
  };
}

/** The sizes of the grid in this room. */
export function shapeOf(look: Look | null): { measure: Measure; margins: Margins } {
  const { width = 0, rem = 16 } = look ?? {};
  const wide = matchMedia(`(min-width: ${WIDE}rem)`).matches;
  return {
    measure: { width, target: (wide ? 11.5 : 7) * rem, gap: wide ? 4 : 2 },
    margins: { head: (wide ? 3.5 : 4.5) * rem, foot: 2.5 * rem },
  };
}
