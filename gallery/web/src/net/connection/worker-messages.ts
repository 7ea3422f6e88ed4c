// The messages between the page and its worker.

import type { FromPage, ToPage } from "../messages";

export type ToWorker =
  | { do: "start"; url: string }
  | { do: "say"; message: FromPage }
  /** A new canvas for a camera's pictures; the worker draws the newest known one at once. */
  | {
      do: "add";
      tile: number;
      camera: string;
      canvas: OffscreenCanvas | HTMLCanvasElement;
    }
  | { do: "remove"; tile: number }
  /** Send a bell after `after` milliseconds; one at a time. The timers of hidden pages are slow. */
  | { do: "ring"; after: number }
  /** Connect now if there is no connection. */
  | { do: "try" }
  /** Nobody may look any more: no connection until the next try, and no picture is kept. */
  | { do: "shut" }
  /** The page may have slept: a connection that stays silent is dead. */
  | { do: "woke" }
  /** The page goes to the browser's cache; an open socket would keep it out. */
  | { do: "leave" };

export type FromWorker =
  | { is: "open" }
  /** `since` is when something last arrived, `next` when it tries again, by `Date.now()`. */
  | { is: "lost"; since: number; next: number }
  /** The login ended: there is no connection until the page tries again. */
  | { is: "over" }
  /** Add `behind` to a time of the gallery's clock to get ours. */
  | { is: "said"; message: ToPage; behind: number }
  | { is: "ringing" }
  | {
      is: "drawn";
      tile: number;
      /** By our clock. */
      captured: number;
      /** The capture time is unknown: the picture is at least so old. */
      least: boolean;
      /** Milliseconds from its arrival until it was drawn. */
      took: number;
      width: number;
      height: number;
    };
