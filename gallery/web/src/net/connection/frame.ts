// A frame on the WebSocket, as wire/src/page/frame.rs writes it.

/** The length of the header in bytes. */
export const HEADER = 28;

/** Flag: the capture time is not known yet, so `captured` is when the gallery received it. */
export const CLOCK_UNKNOWN = 1;

/** Flag: the answer may wait for that of the next frame. */
export const MAY_WAIT = 2;

export interface Frame {
  /** The number to answer with. */
  serial: number;
  /** The tile that it is for. */
  tile: number;
  /** `CLOCK_UNKNOWN`, `MAY_WAIT`; other bits are for later versions. */
  flags: number;
  /** The camera's number of the frame. */
  seq: number;
  /** When it was captured, in milliseconds since 1970 by the gallery's clock. */
  captured: number;
  /** When it was sent, by the same clock. */
  sent: number;
  /** The picture, not copied out of the message. */
  jpeg: Uint8Array<ArrayBuffer>;
}

/** Splits a binary message into its header and its JPEG; null if it is too short to have one. */
export function parseFrame(message: ArrayBuffer): Frame | null {
  if (message.byteLength < HEADER) return null;
  const view = new DataView(message);
  return {
    serial: view.getUint32(0, true),
    tile: view.getUint16(4, true),
    flags: view.getUint16(6, true),
    seq: view.getUint32(8, true),
    captured: view.getFloat64(12, true),
    sent: view.getFloat64(20, true),
    jpeg: new Uint8Array(message, HEADER),
  };
}

/** The most answers in one message. */
export const ANSWERS = 3;

/** The answer to frames that were drawn or discarded. */
export function answer(serials: number[]): ArrayBuffer {
  const bytes = new ArrayBuffer(4 * serials.length);
  const view = new DataView(bytes);
  serials.forEach((serial, at) => view.setUint32(4 * at, serial, true));
  return bytes;
}

/** The header before the JPEG of the page's own camera: `age` in milliseconds. */
export function ownHeader(seq: number, size: number, age: number): ArrayBuffer {
  const bytes = new ArrayBuffer(12);
  const view = new DataView(bytes);
  view.setUint32(0, seq, true);
  view.setUint16(4, size, true);
  view.setFloat32(8, age, true);
  return bytes;
}
