// Encodes a picture in the browser: smaller, or as JPEG from a kind that the gallery refuses.

import { exifOf, SEARCHED, withExif } from "./exif";
import type { OtherKind } from "./file-kind";

/** What the gallery accepts. */
export interface Limits {
  bytes: number;
  pixels: number;
}

/** The largest canvas on the most limited phones (WebKit on iOS). */
const CANVAS = 16_777_216;
const QUALITY = 0.9;
const TRIES = 6;

/** The scale for a picture with this many pixels; `hard` if its bytes were few enough. */
export function scaleFor(pixels: number, most: number, hard: boolean): number {
  const room = Math.min(most, CANVAS, hard ? pixels / 2 : Infinity);
  return Math.min(1, Math.sqrt(room / pixels));
}

/**
 * The file as a JPEG within the limits, upright, with what the camera noted if it was a JPEG.
 * Rejects if this browser cannot read it. `hard` if its bytes were few enough and it was refused.
 */
export async function asJpeg(file: File, limits: Limits, hard: boolean): Promise<File> {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    const { width, height } = picture;
    let scale = scaleFor(width * height, limits.pixels, hard);
    const exif = exifOf(new Uint8Array(await file.slice(0, SEARCHED).arrayBuffer()));
    for (let tries = 0; tries < TRIES; tries++) {
      const jpeg = await draw(picture, width * scale, height * scale);
      const size = jpeg.size + (exif?.length ?? 0);
      if (size <= limits.bytes) return await named(file, jpeg, exif);
      scale *= 0.95 * Math.min(0.9, Math.sqrt(limits.bytes / size));
    }
    throw new Error("it does not become small enough");
  } finally {
    picture.close();
  }
}

async function draw(picture: ImageBitmap, width: number, height: number): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.floor(width));
  canvas.height = Math.max(1, Math.floor(height));
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) throw new Error("there is no canvas so large");
  // Transparent pictures most often have black drawings.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const jpeg = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  // Frees its memory for the next one.
  canvas.width = canvas.height = 0;
  if (jpeg?.type !== "image/jpeg") throw new Error("there is no JPEG of it");
  return jpeg;
}

async function named(file: File, jpeg: Blob, exif: Uint8Array | null): Promise<File> {
  const bytes = new Uint8Array(await jpeg.arrayBuffer());
  const whole = exif ? withExif(bytes, exif) : bytes;
  const name = `${file.name.replace(/\.\w+$/, "")}.jpg`;
  return new File([whole], name, { type: "image/jpeg", lastModified: file.lastModified });
}

const readable = new Map<OtherKind, Promise<boolean>>();

/** Whether this browser can read files of this kind; the first of each is tried. */
export function reads(kind: OtherKind, file: File): Promise<boolean> {
  const known =
    readable.get(kind) ??
    createImageBitmap(file).then(
      (picture) => (picture.close(), true),
      () => false,
    );
  readable.set(kind, known);
  return known;
}
