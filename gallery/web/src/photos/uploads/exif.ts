// Copies the Exif data of a JPEG into another one (JEITA CP-3451, 4.5 and 4.7): the
// date and the rest unchanged, except the orientation, because the other one is turned already.

const APP0 = 0xe0;
const APP1 = 0xe1;
const SOS = 0xda;
/** How many bytes are searched: a segment has at most 65536, and others may stand before it. */
export const SEARCHED = 4 * 65_536;
const NAME = "Exif\0\0";
const ORIENTATION = 0x0112;
const UPRIGHT = 1;

/** The whole Exif segment of a JPEG, of an upright picture; null if there is none. */
export function exifOf(jpeg: Uint8Array): Uint8Array | null {
  for (const { marker, start, end } of segments(jpeg)) {
    const name = String.fromCharCode(...jpeg.subarray(start + 4, start + 4 + NAME.length));
    if (marker === APP1 && name === NAME && end >= start + 4 + NAME.length)
      return upright(jpeg.slice(start, end));
  }
  return null;
}

/** The JPEG with this segment, after JFIF's, which must come first. */
export function withExif(jpeg: Uint8Array, exif: Uint8Array): Uint8Array<ArrayBuffer> {
  const first = segments(jpeg).next().value;
  const at = first?.marker === APP0 ? first.end : 2;
  const made = new Uint8Array(jpeg.length + exif.length);
  made.set(jpeg.subarray(0, at));
  made.set(exif, at);
  made.set(jpeg.subarray(at), at + exif.length);
  return made;
}

/** The segments before the picture's data, as far as they are whole. */
function* segments(jpeg: Uint8Array): Generator<{ marker: number; start: number; end: number }> {
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return;
  for (let start = 2; start + 4 <= jpeg.length && jpeg[start] === 0xff;) {
    const marker = jpeg[start + 1]!;
    const end = start + 2 + jpeg[start + 2]! * 256 + jpeg[start + 3]!;
    if (marker === SOS || end < start + 4 || end > jpeg.length) return;
    yield { marker, start, end };
    start = end;
  }
}

/** Sets the orientation in the first directory, if it is there and where it says. */
function upright(segment: Uint8Array): Uint8Array {
  const tiff = new DataView(segment.buffer, segment.byteOffset + 4 + NAME.length);
  const little = tiff.byteLength >= 8 && tiff.getUint16(0) === 0x4949;
  const directory = tiff.byteLength >= 8 ? tiff.getUint32(4, little) : Infinity;
  if (directory + 2 > tiff.byteLength) return segment;
  const count = tiff.getUint16(directory, little);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > tiff.byteLength) break;
    if (tiff.getUint16(entry, little) === ORIENTATION) tiff.setUint16(entry + 8, UPRIGHT, little);
  }
  return segment;
}
