// The page's knowledge of the gallery: the cameras in their order, the connection, the pictures
// drawn. It starts the worker and tells it what the page watches.

import { computed, signal } from "@preact/signals";
import type { FromWorker, ToWorker } from "./connection/worker-messages";
import type { Seen } from "../wall/tile/tile-state";
import type { Me } from "./me";
import type { Camera, FromPage, Measured, Notice, ToPage, WatchedTile } from "./messages";
import { distinct, nodeOf } from "../wall/tile/names";
import { beat } from "../page/tick";
import type { PhotoEvent } from "../photos/photo";

declare const WORKER: string;

/** In the gallery's order, with times by our clock; null before the first list. */
export const cameras = signal<Camera[] | null>(null);

let known: ReadonlyMap<string, string> = new Map();

/** Their names for people; also those of their nodes, by node. */
export const cameraNames = computed(() => {
  const names = new Map<string, string>();
  for (const camera of cameras.value ?? []) {
    names.set(camera.camera, camera.name);
    names.set(camera.camera.split("/")[0] ?? "", nodeOf(camera));
  }
  const same =
    names.size === known.size && [...names].every(([id, name]) => known.get(id) === name);
  // Whoever shows names need not draw them again.
  return same ? known : (known = names);
});

export const notices = signal<Notice[]>([]);

/** The build of the page that the gallery serves now; null before it has said so. */
export const served = signal<string | null>(null);

/** Add this to a time of the gallery's clock to get ours. */
export let ahead = 0;

/** Whoever is told who this page is, and that its login ended (null). */
export const meListeners = new Set<(me: Me | null) => void>();

/** Listeners for what happens to photos. */
export const photoListeners = new Set<(event: PhotoEvent) => void>();

/** The gallery's messages about people, and what to add to their times to get ours. */
export const peopleListeners = new Set<(message: ToPage, behind: number) => void>();

/** The cameras whose tiles are in view. */
export const watched = signal<ReadonlySet<string>>(new Set());

export type Link = { open: true } | { open: false; since: number; next: number | null };

/** `next` is when it tries again; null while it tries. Times by `Date.now()`. */
export const link = signal<Link>({ open: false, since: Date.now(), next: null });

/** Width / height of each camera's pictures, once known. */
export const aspects = signal<ReadonlyMap<string, number>>(new Map());

/** What each tile got in the last second, while the page measures; null while it does not. */
export const measured = signal<ReadonlyMap<number, Measured> | null>(null);

/** Shows each tile's rate and the parts of its age; `false` stops that. */
export function measure(): void {
  const on = measured.value === null;
  measured.value = on ? new Map() : null;
  say({ type: "measure", on });
}

/** How many pictures the mean drawing time covers. */
const MEAN = 30;

/** The gallery refuses a page that watches more. */
const WATCHED = 256;

/** The aspects of one picture in different sizes differ by this part at most. */
const ROUNDED = 0.02;

/** The aspect of a camera without a known size. */
const USUAL = 16 / 9;

export function aspectOf(camera: Camera): number {
  const [width, height] = (camera.size ?? "").split("x").map(Number);
  return aspects.value.get(camera.camera) ?? (width && height ? width / height : USUAL);
}

/** A place on the page where a camera's pictures are drawn. */
export interface Screen extends Seen {
  readonly tile: number;
  readonly camera: string;
  /** The size of the picture drawn, and how many there were. */
  width: number;
  height: number;
  count: number;
  /** The age of the picture is at least what `captured` says. */
  least: boolean;
  /** Milliseconds that drawing took, a mean over the last pictures. */
  drawing: number;
}

interface Place {
  screen: Screen;
  element: HTMLElement;
  fps: number;
  zoom: number;
  visible: boolean;
  drawn: () => void;
}

const places = new Map<number, Place>();

type Picture = Pick<Screen, "captured" | "rested" | "least" | "width" | "height">;

/** The newest picture of each camera, which the worker draws at once on a new canvas. */
const newest = new Map<string, Picture>();
const NONE: Picture = { captured: null, rested: false, least: false, width: 0, height: 0 };

let lastTile = -1;
let post: (message: ToWorker, transfer?: Transferable[]) => void = () => {};

/** Whether the page is to have a connection: nobody else than those who may look has one. */
let wanted = false;
let began = false;

/** Prepares the worker. On a browser that cannot draw in one the same code runs here. */
export async function start(): Promise<void> {
  const script = new URL(WORKER, import.meta.url).href;
  if (drawsInWorkers()) {
    const worker = new Worker(script, { type: "module" });
    worker.onmessage = (event: MessageEvent<FromWorker>) => take(event.data);
    post = (message, transfer) => worker.postMessage(message, transfer ?? []);
  } else {
    const { serve } = (await import(script)) as typeof import("./connection/worker");
    post = serve(take);
  }
  attend();
}

/** Connects, unless it is connected or trying; `anew` as somebody else than before. */
export function connect(anew = false): void {
  if (wanted && anew) post({ do: "shut" });
  else if (wanted) return;
  wanted = true;
  link.value = { open: false, since: Date.now(), next: null };
  post(began ? { do: "try" } : { do: "start", url: socketUrl() });
  began = true;
}

/** Ends the connection, and forgets all cameras. */
export function disconnect(): void {
  wanted = false;
  post({ do: "shut" });
  forget();
}

function forget(): void {
  newest.clear();
  for (const { screen } of places.values()) Object.assign(screen, NONE);
  cameras.value = null;
  notices.value = [];
  link.value = { open: false, since: Date.now(), next: null };
}

export function socketUrl(search = ""): string {
  const url = new URL(`ws${search}`, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

let ringing: (() => void) | null = null;

/** Calls `then` after `after` milliseconds, even while the page is hidden. There is only one bell. */
export function ringIn(after: number, then: () => void): void {
  ringing = then;
  post({ do: "ring", after });
}

/** Opens a place for a camera's pictures. `drawn` is called after each. */
export function addScreen(
  camera: string,
  element: HTMLElement,
  canvas: HTMLCanvasElement,
  fps: number,
  drawn: () => void,
): Screen {
  do lastTile = (lastTile + 1) & 0xffff;
  while (places.has(lastTile));
  const screen: Screen = {
    tile: lastTile,
    camera,
    opened: Date.now(),
    count: 0,
    drawing: 0,
    ...(newest.get(camera) ?? NONE),
  };
  const place = { screen, element, fps, zoom: 1, visible: false, drawn };
  places.set(screen.tile, place);
  byElement.set(element, place);
  seen.observe(element);
  sized.observe(element);
  const target = drawsInWorkers() ? canvas.transferControlToOffscreen() : canvas;
  const transfer = target instanceof HTMLCanvasElement ? [] : [target];
  post({ do: "add", tile: screen.tile, camera, canvas: target }, transfer);
  return screen;
}

export function removeScreen(screen: Screen): void {
  const place = places.get(screen.tile);
  if (!place) return;
  seen.unobserve(place.element);
  sized.unobserve(place.element);
  places.delete(screen.tile);
  post({ do: "remove", tile: screen.tile });
  watchSoon();
}

/** The picture is shown `zoom` times larger than its tile. */
export function zoomScreen(screen: Screen, zoom: number): void {
  const place = places.get(screen.tile);
  if (!place || place.zoom === zoom) return;
  place.zoom = zoom;
  watchSoon();
}

export function isVisible(screen: Screen): boolean {
  return places.get(screen.tile)?.visible ?? false;
}

export function tryNow(): void {
  if (!wanted) return;
  const now = link.value;
  if (!now.open) link.value = { ...now, next: null };
  post({ do: "try" });
}

function take(message: FromWorker): void {
  switch (message.is) {
    case "open":
      link.value = { open: true };
      break;
    case "lost":
      link.value = {
        open: false,
        since: link.value.open ? message.since : link.value.since,
        next: message.next,
      };
      break;
    case "over":
      wanted = false;
      forget();
      for (const listener of meListeners) listener(null);
      break;
    case "said":
      said(message.message, message.behind);
      break;
    case "drawn":
      drawn(message);
      break;
    case "ringing":
      ringing?.();
      break;
  }
}

function said(message: ToPage, behind: number): void {
  ahead = behind;
  switch (message.type) {
    case "me":
      for (const listener of meListeners) listener(message);
      break;
    case "hello":
      served.value = message.page;
      break;
    case "cameras":
      list(message.cameras, behind);
      break;
    case "notice":
      notices.value = message.notices;
      break;
    case "measured":
      // The answer to an earlier request may still arrive.
      if (measured.value) measured.value = new Map(message.tiles.map((tile) => [tile.tile, tile]));
      break;
    case "photo":
      for (const listener of photoListeners) listener(message);
      break;
    default:
      for (const listener of peopleListeners) listener(message, behind);
  }
}

function list(all: Camera[], behind: number): void {
  // The worker forgets the pictures of the same cameras: of those that are gone or off.
  const kept = new Set(all.filter(({ state }) => state !== "off").map(({ camera }) => camera));
  for (const camera of newest.keys()) if (!kept.has(camera)) newest.delete(camera);
  for (const { screen } of places.values()) {
    if (!kept.has(screen.camera)) Object.assign(screen, NONE, { opened: Date.now() });
  }
  const distinctly = distinct(all);
  cameras.value = distinctly.map((camera) => ({ ...camera, since: camera.since + behind }));
}

function drawn(message: FromWorker & { is: "drawn" }): void {
  const place = places.get(message.tile);
  if (!place) return;
  const { screen } = place;
  const { captured, least, took, width, height } = message;
  // A frame that was in transit when the page was hidden is an old one, too.
  const picture = { captured, rested: document.hidden, least, width, height };
  Object.assign(screen, picture);
  newest.set(screen.camera, picture);
  screen.drawing += (took - screen.drawing) / Math.min(++screen.count, MEAN);
  const aspect = width / height;
  const known = aspects.peek().get(screen.camera) ?? 0;
  // In smaller sizes it is rounded, and that must not move the wall.
  if (Math.abs(aspect - known) > known * ROUNDED) {
    aspects.value = new Map(aspects.peek()).set(screen.camera, aspect);
  }
  place.drawn();
}

const byElement = new WeakMap<Element, Place>();

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const place = byElement.get(entry.target);
    if (!place || place.visible === entry.isIntersecting) continue;
    place.visible = entry.isIntersecting;
    if (place.visible) place.screen.opened = Date.now();
  }
  watchSoon(0);
});

const sized = new ResizeObserver(() => watchSoon());

let soon: ReturnType<typeof setTimeout> | undefined;
let told = "";

/** Sends what the page watches once things have settled, such as a window being resized. */
function watchSoon(after = 120): void {
  clearTimeout(soon);
  soon = setTimeout(() => {
    const visible = [...places.values()].filter((place) => place.visible);
    const tiles = visible.slice(0, WATCHED).map(asTile);
    const text = JSON.stringify(tiles);
    if (text === told) return;
    told = text;
    watched.value = new Set(tiles.map(({ camera }) => camera));
    say({ type: "watch", tiles });
  }, after);
}

function asTile({ screen, element, fps, zoom }: Place): WatchedTile {
  const aspect = aspects.peek().get(screen.camera) ?? USUAL;
  // The picture covers the tile, so it may be wider than it.
  const across = Math.max(element.offsetWidth, element.offsetHeight * aspect);
  const width = Math.max(1, Math.round(across * zoom * devicePixelRatio));
  return { tile: screen.tile, camera: screen.camera, width, fps };
}

export function say(message: FromPage): void {
  post({ do: "say", message });
}

/** Hidden pages ask for nothing; a page that slept checks whether its connection lives. */
function attend(): void {
  let hidden = document.hidden;
  if (hidden) say({ type: "pause" });
  const look = (): void => {
    if (hidden === document.hidden) return;
    hidden = document.hidden;
    for (const { screen } of places.values()) screen.opened = Date.now();
    if (hidden) rest();
    else wake();
    say({ type: hidden ? "pause" : "resume" });
    if (!hidden && wanted) post({ do: "woke" });
  };
  document.addEventListener("visibilitychange", look);
  const woke = (): void => void (wanted && post({ do: "woke" }));
  document.addEventListener("resume", woke);
  addEventListener("online", woke);
  addEventListener("pagehide", () => {
    rest();
    post({ do: "leave" });
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    wake();
    if (wanted) post({ do: "try" });
  });
}

/**
 * Everything shown looks old from now on, at once: the browser draws a returning page as it was
 * before any script runs.
 */
function rest(): void {
  document.documentElement.dataset.resting = "";
  for (const picture of newest.values()) picture.rested = true;
  for (const { screen } of places.values()) screen.rested = true;
  beat();
}

/** Ages continue; changes from the next frame on may fade again. */
function wake(): void {
  beat();
  requestAnimationFrame(() => {
    requestAnimationFrame(() => delete document.documentElement.dataset.resting);
  });
}

let inWorkers: boolean | undefined;

function drawsInWorkers(): boolean {
  inWorkers ??=
    "transferControlToOffscreen" in HTMLCanvasElement.prototype &&
    typeof OffscreenCanvas !== "undefined" &&
    new OffscreenCanvas(1, 1).getContext("2d") !== null;
  return inWorkers;
}
