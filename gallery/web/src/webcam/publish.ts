// Shows this device's camera on the wall: a socket of its own, and on it the pictures that are
// wanted, the newest or none.

import { effect, signal } from "@preact/signals";
import { stream, video } from "./capture";
import { ownHeader } from "../net/connection/frame";
import { ringIn, socketUrl } from "../net/gallery";
import { me } from "../people/identity";
import { parseMessage, type FromPage } from "../net/messages";
import { Pace, PREVIEW, type Rates, type Size } from "./pace";
import { Socket } from "../net/connection/socket";

/** `looked` is null until the gallery has said whether somebody looks, and `looking` how many. */
export type Sharing = { looked: boolean | null; looking: number; refused: string | null };

/** Null while nothing is shown. */
export const sharing = signal<Sharing | null>(null);

/** The largest preview, in pixels. */
const PREVIEW_WIDTH = 640;
const QUALITY = 0.8;
const PREVIEW_QUALITY = 0.6;

/** While a picture cannot go, it is looked again so often. */
const AGAIN = 100;

let socket: Socket | null = null;
let pace = new Pace();
let making = false;

export function share(): void {
  if (socket) return;
  sharing.value = { looked: null, looking: 0, refused: null };
  let retry: ReturnType<typeof setTimeout> | undefined;
  const mine = new Socket(socketUrl("?camera"), {
    opened() {
      const known = me.peek();
      if (!known) return unshare();
      tell({ type: "join", name: known.name, id: known.id, key: known.key });
    },
    lost() {
      clearTimeout(retry);
      pace = new Pace();
      sharing.value = { looked: null, looking: 0, refused: null };
    },
    over: unshare,
    text(text) {
      const message = parseMessage(text);
      if (message?.type === "you") announce();
      else if (message?.type === "wanted") {
        const { full, half, quarter, preview, looking } = message;
        want([full, half, quarter, preview], looking);
      } else if (message?.type === "got") {
        pace.got(message.seq);
        work();
      } else if (message?.type === "held") {
        sharing.value = { looked: null, looking: 0, refused: message.why };
        if (message.seconds !== undefined) {
          retry = setTimeout(() => socket === mine && mine.restart(), message.seconds * 1_000);
        }
      }
    },
    bytes() {},
  });
  socket = mine;
}

export function unshare(): void {
  tell({ type: "unshare" });
  tell({ type: "leave" });
  socket?.close();
  socket = null;
  pace = new Pace();
  sharing.value = null;
}

function tell(message: FromPage): void {
  socket?.send(JSON.stringify(message));
}

function announce(): void {
  const { videoWidth: width, videoHeight: height } = video;
  const name = me.peek()?.name;
  if (name !== undefined && width > 0) tell({ type: "share", name, size: `${width}x${height}` });
}

function want(rates: Rates, looking: number): void {
  pace.want(rates, performance.now());
  sharing.value = { looked: pace.isLookedAt, looking, refused: null };
  work();
}

/** Makes what is due, and rings when the next is. */
function work(): void {
  if (!socket || making) return;
  const now = performance.now();
  const size = pace.next(now, socket.buffered);
  if (size !== null && video.videoWidth > 0) {
    making = true;
    void make(size, pace, socket).finally(() => {
      making = false;
      work();
    });
    return;
  }
  const wait = pace.wait(now);
  if (wait !== null) ringIn(wait === 0 ? AGAIN : wait, work);
}

async function make(size: Size, mine: Pace, to: Socket): Promise<void> {
  const captured = performance.now();
  const seq = mine.made(size, captured);
  const jpeg = await encode(size).catch(() => null);
  const current = to === socket && mine === pace;
  const header = (): ArrayBuffer => ownHeader(seq, size, performance.now() - captured);
  if (!jpeg || !current || !to.send(new Blob([header(), jpeg]))) mine.got(seq);
}

const canvases = new Map<Size, OffscreenCanvas | HTMLCanvasElement>();

async function encode(size: Size): Promise<Blob | null> {
  const full = video.videoWidth;
  const part = size === PREVIEW ? Math.min(1, PREVIEW_WIDTH / full) : 1 / 2 ** size;
  const width = Math.max(1, Math.round(full * part));
  const height = Math.max(1, Math.round(video.videoHeight * part));
  const canvas = canvases.get(size) ?? newCanvas();
  canvases.set(size, canvas);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D | null;
  if (!context) return null;
  context.drawImage(video, 0, 0, width, height);
  const as = { type: "image/jpeg", quality: size === PREVIEW ? PREVIEW_QUALITY : QUALITY };
  if (!(canvas instanceof HTMLCanvasElement)) return canvas.convertToBlob(as);
  return new Promise((resolve) => canvas.toBlob(resolve, as.type, as.quality));
}

/** One off the page encodes at once also while the page is hidden. */
function newCanvas(): OffscreenCanvas | HTMLCanvasElement {
  const offscreen = typeof OffscreenCanvas !== "undefined" ? new OffscreenCanvas(1, 1) : null;
  return offscreen?.getContext("2d", { alpha: false })
    ? offscreen
    : document.createElement("canvas");
}

// A camera that is closed or went away is not shown any more, and neither is one of nobody.
effect(() => {
  if ((stream.value === null || me.value === null) && sharing.peek()) unshare();
});
