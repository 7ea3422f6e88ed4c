// What the page and its worker say to each other.

import type { FromPage, ToPage } from "../messages";

export type ToWorker =
  | { do: "start"; url: string }
  | { do: "say"; message: FromPage }
  /** A new place for a camera's pictures; the newest that is known is drawn at once. */
  | {
      do: "add";
      tile: number;
      camera: string;
      canvas: OffscreenCanvas | HTMLCanvasElement;
    }
  | { do: "remove"; tile: number }
  /** Ring in so many milliseconds; one bell at a time. The timers of hidden pages are slow. */
  | { do: "ring"; after: number }
  /** Connect now if there is no connection. */
  | { do: "try" }
  /** The page may have slept: a connection that stays silent is dead. */
  | { do: "woke" }
  /** The page goes to the browser's cache; an open socket would keep it out. */
  | { do: "leave" };

export type FromWorker =
  | { is: "open" }
  /** `since` is when it was last heard, `next` when it tries again, by `Date.now()`. */
  | { is: "lost"; since: number; next: number }
  /** `behind` is what to add to a time of the gallery's clock to have it by ours. */
  | { is: "said"; message: ToPage; behind: number }
  | { is: "ringing" }
  | {
      is: "drawn";
      tile: number;
      /** By our clock. */
      captured: number;
      /** The capture time is not known: it is at least so old. */
      least: boolean;
      /** Milliseconds from its coming until it was drawn. */
      took: number;
      width: number;
      height: number;
    };
