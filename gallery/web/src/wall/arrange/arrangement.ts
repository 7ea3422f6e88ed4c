// How somebody wants the wall: the order of the cameras, which of them are hidden, which one is
// large, and the layout. Pure. One text keeps it, in the browser and in an address.

import { gridOf } from "../layout/grid";

/** `automatic`, `large` for one large, or a grid such as `2x2`. */
export type LayoutName = string;

export interface Arrangement {
  layout: LayoutName;
  /** The one that is large where one is; null for the first. */
  large: string | null;
  /** Hidden here, also while they are away. */
  hidden: readonly string[];
  /** These come first, in this order; all others behind them as the gallery has them. */
  order: readonly string[];
}

/** As the gallery has it: nobody has arranged anything. */
export const PLAIN: Arrangement = { layout: "automatic", large: null, hidden: [], order: [] };

/** The gallery knows no more cameras, so neither list needs more. */
const MOST = 1_000;

/** An address of so many characters passes every proxy and fits into a message. */
export const ADDRESS = 4_000;

const CAMERA = /^[a-z0-9_-]{1,32}\/[a-z0-9_-]{1,32}$/;

/** What an arrangement is called in an address. */
export const KEYS = ["layout", "large", "hide", "order"] as const;

/** Reads what `writeArrangement` wrote; null if nothing of it is there. What is not understood is passed over. */
export function readArrangement(text: string): Arrangement | null {
  const given = new URLSearchParams(text);
  if (!KEYS.some((key) => given.has(key))) return null;
  const layout = given.get("layout") ?? "";
  return {
    layout: layout === "large" || gridOf(layout) ? layout : PLAIN.layout,
    large: names(given.get("large"))[0] ?? null,
    hidden: names(given.get("hide")),
    order: names(given.get("order")),
  };
}

/** As the search of an address, without `?`. Names that need more than `most` characters are left out. */
export function writeArrangement(arrangement: Arrangement, most = Infinity): string {
  const { layout, large, hidden, order } = arrangement;
  const parts: string[] = [];
  if (layout !== PLAIN.layout) parts.push(`layout=${layout}`);
  if (large !== null) parts.push(`large=${large}`);
  let left = most - parts.join("&").length;
  for (const [key, list] of [
    ["hide", hidden],
    ["order", order],
  ] as const) {
    let part = "";
    for (const name of list) {
      const longer = part ? `${part},${name}` : `${key}=${name}`;
      if (longer.length + 1 > left) break;
      part = longer;
    }
    if (!part) continue;
    parts.push(part);
    left -= part.length + 1;
  }
  return parts.join("&");
}

function names(text: string | null): string[] {
  const all = (text ?? "").split(",", MOST).filter((name) => CAMERA.test(name));
  return [...new Set(all)];
}

interface Named {
  camera: string;
}

/** The cameras in this order, those that it does not name behind them. */
export function inOrder<T extends Named>(
  cameras: readonly T[],
  order: Arrangement["order"],
): readonly T[] {
  if (order.length === 0) return cameras;
  const places = new Map(order.map((name, i) => [name, i]));
  const place = ({ camera }: T): number => places.get(camera) ?? order.length;
  return [...cameras].sort((a, b) => place(a) - place(b));
}

/**
 * Puts a camera at a place among the shown ones, counted without it. `here` are all that the gallery
 * has, in its order. Those that are away keep their places beside those before them.
 */
export function moved(
  arrangement: Arrangement,
  here: readonly string[],
  camera: string,
  place: number,
): Arrangement {
  const known = new Set(arrangement.order);
  const all = [...arrangement.order, ...here.filter((name) => !known.has(name))];
  const rest = all.filter((name) => name !== camera);
  const isHidden = new Set(arrangement.hidden);
  const isShown = new Set(here.filter((name) => !isHidden.has(name)));
  const shown = rest.filter((name) => isShown.has(name));
  const next = shown[place];
  const last = shown.at(-1);
  const at = next !== undefined ? rest.indexOf(next) : last ? rest.indexOf(last) + 1 : rest.length;
  const order = [...rest.slice(0, at), camera, ...rest.slice(at)];
  // In the gallery's own order a new camera finds its place by itself.
  const isPlain = order.length === here.length && order.every((name, i) => name === here[i]);
  return { ...arrangement, order: isPlain ? [] : bounded(order, here) };
}

export function hide(
  arrangement: Arrangement,
  here: readonly string[],
  camera: string,
): Arrangement {
  if (arrangement.hidden.includes(camera)) return arrangement;
  const { large } = arrangement;
  return {
    ...arrangement,
    hidden: bounded([...arrangement.hidden, camera], here),
    large: large === camera ? null : large,
  };
}

export function unhide(arrangement: Arrangement, cameras: readonly string[]): Arrangement {
  const again = new Set(cameras);
  const hidden = arrangement.hidden.filter((name) => !again.has(name));
  return { ...arrangement, hidden };
}

/** At most as many as are kept; the first that go are those that are not here. */
function bounded(list: readonly string[], here: readonly string[]): string[] {
  let surplus = list.length - MOST;
  if (surplus <= 0) return [...list];
  const isHere = new Set(here);
  return list.filter((name) => isHere.has(name) || surplus-- <= 0).slice(0, MOST);
}
