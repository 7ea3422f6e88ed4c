// Where each tile of the wall is. A worker computes it, so that a new camera blocks nothing; until
// it answers, tiles stay where they are.

import { signal } from "@preact/signals";
import type { Box, Room } from "./box";
import { askedGrid, gridBoxes } from "./grid";
import type { Layout } from "./layout";
import { carry } from "./carry";
import type { Row } from "./row";

declare const LAYOUT_WORKER: string;

export interface Placed {
  /** The cameras in their order. */
  names: readonly string[];
  boxes: ReadonlyMap<string, Box>;
  rows: readonly Row[];
  /** It scrolls. */
  tall: boolean;
}

/** The question to the worker; it answers with a layout. */
export interface Question {
  aspects: readonly number[];
  room: Room;
  /** The width of a scrollbar. */
  bar: number;
  before: Row[] | null;
}

interface Wish {
  names: readonly string[];
  aspects: readonly number[];
  room: Room;
}

/** Null before there is a wall. It stays while the page shows another room. */
export const placed = signal<Placed | null>(null);

const grid = askedGrid(location.search);

/** The newest request, and the one that the worker works on. */
let wish: Wish | null = null;
let asked: Wish | null = null;
let told = "";
let bar: number | undefined;
let ask: ((question: Question) => void) | null = null;

/** Finds the places of pictures of these aspects; `placed` has them when they are known. */
export function arrange(names: readonly string[], aspects: readonly number[], room: Room): void {
  const text = JSON.stringify([names, aspects, room]);
  if (text === told) return;
  told = text;
  wish = { names, aspects, room };
  if (grid) answered({ boxes: gridBoxes(aspects, grid, room), rows: [], tall: false }, wish);
  else next();
}

/** One request at a time: of those that wait only the newest counts. */
function next(): void {
  if (asked || !wish) return;
  asked = wish;
  wish = null;
  const { names, aspects, room } = asked;
  const old = placed.peek();
  const before = old && carry(old.rows, old.names, names);
  ask ??= startWorker();
  ask({ aspects, room, bar: (bar ??= scrollbar()), before });
}

function answered({ boxes, rows, tall }: Layout, { names, room }: Wish): void {
  const foot = Math.max(0, ...boxes.map(({ y, height }) => y + height));
  placed.value = {
    names,
    rows,
    boxes: new Map(names.map((name, i) => [name, boxes[i]!])),
    tall: tall || foot > room.height + 1,
  };
}

function scrollbar(): number {
  const probe = document.createElement("div");
  probe.style.cssText = "position:absolute;visibility:hidden;overflow-y:scroll;width:99px";
  document.body.append(probe);
  const width = probe.offsetWidth - probe.clientWidth;
  probe.remove();
  return width;
}

function startWorker(): (question: Question) => void {
  const script = new URL(LAYOUT_WORKER, import.meta.url).href;
  const take = (layout: Layout): void => {
    const of = asked!;
    asked = null;
    answered(layout, of);
    next();
  };
  const worker = new Worker(script, { type: "module" });
  worker.onmessage = (event: MessageEvent<Layout>) => take(event.data);
  // A browser without such workers computes it here.
  worker.onerror = () => {
    worker.terminate();
    const here = import(script) as Promise<typeof import("./layout-worker")>;
    ask = (question) => void here.then(({ answer }) => take(answer(question)));
    if (asked) {
      wish ??= asked;
      asked = null;
      next();
    }
  };
  return (question) => worker.postMessage(question);
}
