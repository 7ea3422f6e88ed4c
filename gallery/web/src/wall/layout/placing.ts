// Where each tile of the wall is. A worker computes it, so that a new camera blocks nothing; until
// it answers, tiles stay where they are.

import { signal } from "@preact/signals";
import type { Box, Room } from "./box";
import { gridBoxes, type Grid } from "./grid";
import type { Layout } from "./layout";
import { carry } from "./carry";
import { oneLarge } from "./one-large";
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

/** Rows as the pictures' shapes want them, a grid, or the one at an index large. */
export type Plan = "rows" | Grid | { large: number };

interface Wish {
  names: readonly string[];
  aspects: readonly number[];
  room: Room;
}

/** Null before there is a wall. It stays while the page shows another room. */
export const placed = signal<Placed | null>(null);

/** The newest request, and the one that the worker works on. */
let wish: Wish | null = null;
let asked: Wish | null = null;
let told = "";
/** The newest request needs no worker, so that an answer of it comes too late. */
let direct = false;
let bar: number | undefined;
let ask: ((question: Question) => void) | null = null;

/** Finds the places of pictures of these aspects; `placed` has them when they are known. */
export function findPlaces(
  names: readonly string[],
  aspects: readonly number[],
  room: Room,
  plan: Plan,
): void {
  const text = JSON.stringify([names, aspects, room, plan]);
  if (text === told) return;
  told = text;
  direct = plan !== "rows";
  wish = { names, aspects, room };
  if (plan === "rows") return next();
  const lay = (room: Room): Layout => {
    const boxes =
      "large" in plan ? oneLarge(aspects, plan.large, room) : gridBoxes(aspects, plan, room);
    return { boxes, rows: [], tall: isTall(boxes, room) };
  };
  const whole = lay(room);
  // Beside its scrollbar it may just fit, and without that again not: it keeps it.
  const beside = { ...room, width: room.width - scrollbar() };
  answered(whole.tall ? { ...lay(beside), tall: true } : whole, wish);
  wish = null;
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
  ask({ aspects, room, bar: scrollbar(), before });
}

function answered({ boxes, rows, tall }: Layout, { names, room }: Wish): void {
  placed.value = {
    names,
    rows,
    boxes: new Map(names.map((name, i) => [name, boxes[i]!])),
    tall: tall || isTall(boxes, room),
  };
}

function isTall(boxes: readonly Box[], room: Room): boolean {
  return Math.max(0, ...boxes.map(({ y, height }) => y + height)) > room.height + 1;
}

function scrollbar(): number {
  return (bar ??= barWidth());
}

function barWidth(): number {
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
    if (!direct) answered(layout, of);
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
