// Takes photos with the cameras of the wall: the flash, the flight into the strip, and their
// outcome.

import { signal } from "@preact/signals";
import { tellAll } from "../../page/notices/announce";
import { Refusal, takePhoto } from "../../net/api";
import { cameras, link, notices } from "../../net/gallery";
import { order } from "../arrange/mine";
import { words } from "../../words/language";
import type { Camera } from "../../net/messages";
import { newId, type Photo } from "../../photos/photo";
import { enlarged } from "../../page/route";
import { hear } from "../../photos/album/current-album";
import { complain, mend, show } from "../../page/notices/toast";
import { face } from "../tile/tile-state";

const FLASH = 320;
const FLIGHT = 480;
const DELAY = 80;

/** A requested photo that is not known to be stored. */
export interface Pending {
  id: string;
  camera: string;
  name: string;
  /** The tile's picture at the request. */
  picture: HTMLCanvasElement;
  /** It has arrived in its place in the strip. */
  landed: boolean;
}

/** Newest first. */
export const pending = signal<readonly Pending[]>([]);

/** How many photos of each camera are requested. */
export const asked = signal<ReadonlyMap<string, number>>(new Map());

/** Why a camera can give no photo, in a sentence; null if it can. */
export function obstacle(camera: Camera): string | null {
  const text = words.value;
  // The person who shows a camera from a page takes its photos.
  if (camera.kind === "browser") return text.shutter.theirs;
  if (notices.value.some(({ code }) => code === "view-only")) return `${text.viewOnly}.`;
  if (!link.value.open) return text.lostLine;
  if (camera.state === "live" || camera.state === "idle") return null;
  const now = Date.now();
  const { why } = face(camera, { opened: now, captured: null, rested: false }, now, text);
  return why && [`${why.headline}.`, why.line].filter(Boolean).join(" ");
}

/** The tile that is large, or under the pointer or focus, or the only one. */
export function tileHere(): HTMLElement | null {
  return (
    document.querySelector<HTMLElement>(".stage .tile") ??
    document.querySelector<HTMLElement>(".wall .tile:focus-within") ??
    document.querySelector<HTMLElement>(".wall .tile:hover") ??
    (order.value.length === 1 ? document.querySelector<HTMLElement>(".wall .tile") : null)
  );
}

/** Takes a photo with the camera here, or says why not. */
export function shootHere(): boolean {
  const tile = tileHere();
  const name = tile?.dataset.camera;
  const camera = cameras.value?.find(({ camera }) => camera === name);
  if (tile && camera) press(camera, tile);
  else if (order.value.length > 1) show({ text: words.value.shutter.which });
  else return false;
  return true;
}

/** Takes a photo, or says why that is impossible. */
export function press(camera: Camera, tile: HTMLElement): void {
  const why = obstacle(camera);
  if (why === null) void shoot(camera, tile);
  else complain(words.value.shutter.noneOf(camera.name), why);
}

async function shoot(camera: Camera, tile: HTMLElement): Promise<void> {
  const id = newId(Date.now(), crypto.getRandomValues(new Uint8Array(16)));
  flash(tile);
  const from = tile.getBoundingClientRect();
  const picture = pictureOf(tile);
  const shown = enlarged.value === null && picture !== null;
  if (shown) {
    const photo = { id, camera: camera.camera, name: camera.name, picture, landed: false };
    pending.value = [photo, ...pending.value];
    requestAnimationFrame(() => fly(photo, from));
  }
  count(camera.camera, 1);
  try {
    const photo = await takePhoto(camera.camera, id);
    tellAll(words.value.shutter.stored);
    hear({ event: "stored", photo });
  } catch (error) {
    const { status, message, code } = error instanceof Refusal ? error : new Refusal(0, "");
    const { shutter } = words.value;
    // The camera has it, so its picture stays in the strip until it is stored.
    if (status === 504) complain(shutter.later, shutter.laterHelp(camera.name), id);
    else {
      pending.value = pending.value.filter((photo) => photo.id !== id);
      // The wall may know by now what is wrong with it.
      const now = cameras.peek()?.find((other) => other.camera === camera.camera);
      const why = code === "camera-away" && now ? obstacle(now) : null;
      complain(shutter.failed, why ?? (message ? sentenceOf(message) : shutter.failedHelp));
    }
  } finally {
    count(camera.camera, -1);
  }
}

/** A requested photo is stored, or gone: the real photo replaces it. */
export function settle(photo: Pick<Photo, "id">): void {
  mend(photo.id);
  const rest = pending.value.filter(({ id }) => id !== photo.id);
  if (rest.length < pending.value.length) pending.value = rest;
}

function count(camera: string, by: number): void {
  const now = new Map(asked.value);
  const sum = (now.get(camera) ?? 0) + by;
  if (sum > 0) now.set(camera, sum);
  else now.delete(camera);
  asked.value = now;
}

/** White at once, or with reduced motion a frame of paper; the style sheet knows which. */
function flash(tile: HTMLElement): void {
  tile.classList.remove("flash");
  void tile.offsetWidth;
  tile.classList.add("flash");
  setTimeout(() => tile.classList.remove("flash"), FLASH);
}

/** A copy of the tile's current picture. */
function pictureOf(tile: HTMLElement): HTMLCanvasElement | null {
  const shown = tile.querySelector("canvas");
  const copy = document.createElement("canvas");
  if (!shown?.width || !shown.height) return null;
  const scale = Math.min(1, 640 / shown.width);
  copy.width = Math.round(shown.width * scale);
  copy.height = Math.round(shown.height * scale);
  try {
    copy.getContext("2d")?.drawImage(shown, 0, 0, copy.width, copy.height);
  } catch {
    return null;
  }
  return copy;
}

function fly(photo: Pending, from: DOMRect): void {
  const land = (): void => {
    pending.value = pending.value.map((other) =>
      other.id === photo.id ? { ...other, landed: true } : other,
    );
  };
  const slot = document.querySelector(`.strip [data-photo="${photo.id}"]`);
  const to = slot?.getBoundingClientRect();
  if (!to?.width || matchMedia("(prefers-reduced-motion: reduce)").matches) return land();
  const flying = document.createElement("canvas");
  flying.className = "fly";
  flying.width = photo.picture.width;
  flying.height = photo.picture.height;
  flying.getContext("2d")?.drawImage(photo.picture, 0, 0);
  const { style } = flying;
  [style.left, style.top] = [`${from.left}px`, `${from.top}px`];
  [style.width, style.height] = [`${from.width}px`, `${from.height}px`];
  document.body.append(flying);
  const scale = `scale(${to.width / from.width},${to.height / from.height})`;
  flying.animate(
    [
      { transform: "none" },
      { transform: `translate(${to.left - from.left}px,${to.top - from.top}px) ${scale}` },
    ],
    { duration: FLIGHT, delay: DELAY, easing: "cubic-bezier(.6,0,.2,1)", fill: "both" },
  ).onfinish = () => {
    flying.remove();
    land();
  };
}

function sentenceOf(text: string): string {
  return `${text.charAt(0).toLocaleUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
}
