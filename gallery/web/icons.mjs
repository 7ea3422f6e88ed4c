// Draws the project's mark, a lit lamp in a dark room, as PNG in the sizes that systems ask for.

import { deflateSync } from "node:zlib";

/** @param {string} svg the mark: a square black ground, and one circle on it */
export function png(svg, size) {
  const [, side] = /viewBox="0 0 (\d+) \1"/.exec(svg);
  const [, x, y, r, colour] = /<circle cx="(\d+)" cy="(\d+)" r="(\d+)" fill="#(\w{6})"/.exec(svg);
  const scale = size / side;
  const lit = [0, 2, 4].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const lines = Buffer.alloc(size * (1 + size * 3));
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const far = Math.hypot(column + 0.5 - x * scale, row + 0.5 - y * scale);
      const share = Math.min(1, Math.max(0, r * scale - far + 0.5));
      const at = row * (1 + size * 3) + 1 + column * 3;
      lit.forEach((value, i) => (lines[at + i] = Math.round(value * share)));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2], 8);
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(lines)), chunk("IEND")];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts]);
}

/** PNG, section 5.3: length, type, data, check of type and data. */
function chunk(type, data = Buffer.alloc(0)) {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc(named), 4);
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
}

/** PNG, annex D. */
function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}
