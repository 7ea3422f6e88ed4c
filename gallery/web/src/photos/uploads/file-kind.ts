// The kind of a file by its first bytes, as the gallery judges it (gallery/src/photos/picture.rs):
// its name and declared type are guesses of the system.

/** The types that the gallery accepts; every browser shows them. */
export const TAKEN = "image/jpeg,image/png,image/webp,image/gif";

/** How many bytes are enough. */
export const HEAD = 16;

/** A picture of another kind, by the name that people know. */
export type OtherKind = "HEIC" | "AVIF" | "TIFF" | "JPEG XL" | "BMP";

/** `none` is no picture. */
export type FileKind = "taken" | OtherKind | "none";

const KINDS: [FileKind, RegExp][] = [
  ["taken", /^\xff\xd8\xff/],
  ["taken", /^\x89PNG\r\n\x1a\n/],
  ["taken", /^GIF8[79]a/],
  ["taken", /^RIFF[^]{4}WEBP/],
  ["HEIC", /^[^]{4}ftyp(hei|hev|mif1|mis1|msf1)/],
  ["AVIF", /^[^]{4}ftypavi[fs]/],
  ["TIFF", /^(II\*\0|MM\0\*)/],
  ["JPEG XL", /^(\xff\x0a|\0\0\0\x0cJXL )/],
  ["BMP", /^BM/],
];

export function kindOf(head: Uint8Array): FileKind {
  const text = String.fromCharCode(...head.subarray(0, HEAD));
  return KINDS.find(([, begins]) => begins.test(text))?.[0] ?? "none";
}
