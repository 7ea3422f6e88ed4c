// Pictures of few bytes that are expensive to decode, and large ones, as strangers may upload them.

import { crc32, deflateSync } from 'node:zlib';

const u16 = (value) => Buffer.from([value >> 8, value & 255]);
const u16le = (value) => Buffer.from([value & 255, value >> 8]);
const u32 = (value) => Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
const u32le = (value) => Buffer.from(u32(value)).reverse();

// zlib.crc32 came with Node.js 22; the chunks are few.
const crc = crc32 ?? ((bytes) => {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
});

/** A black PNG of 16 bits and four channels, which is as much as it can have. */
export function png(width, height, { interlaced = false } = {}) {
  const chunk = (name, data) => {
    const sealed = Buffer.concat([Buffer.from(name), data]);
    return Buffer.concat([u32(data.length), sealed, u32(crc(sealed))]);
  };
  const passes = interlaced
    ? [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]]
    : [[0, 0, 1, 1]];
  const size = passes.reduce((sum, [x, y, dx, dy]) => {
    const [across, down] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
    return sum + (across > 0 ? down * (1 + 8 * across) : 0);
  }, 0);
  const header = Buffer.concat([u32(width), u32(height), Buffer.from([16, 6, 0, 0, interlaced ? 1 : 0])]);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(size), { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A grey JPEG, 4:2:0, followed by `behind` bytes. */
export function jpeg(width, height, { progressive = false, behind = 0 } = {}) {
  const segment = (marker, ...data) => {
    const all = Buffer.concat(data.map((part) => Buffer.from(part)));
    return Buffer.concat([Buffer.from([0xff, marker]), u16(all.length + 2), all]);
  };
  // One code of one bit, which is 0.
  const table = (kind, symbol) => segment(0xc4, [kind, 1, ...Array(15).fill(0), symbol]);
  const scan = (components, from, to, bits) => Buffer.concat([
    segment(0xda, [components.length, ...components.flatMap((id) => [id, 0]), from, to, 0]),
    Buffer.alloc(Math.ceil(bits / 8)),
  ]);
  const mcus = Math.ceil(width / 16) * Math.ceil(height / 16);
  // A run of 16384 empty blocks takes a code and 14 bits.
  const empty = (blocks) => Math.ceil(blocks / 16384) * 15;
  const luma = Math.ceil(width / 8) * Math.ceil(height / 8);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...Array(64).fill(1)]),
    segment(progressive ? 0xc2 : 0xc0, [8], u16(height), u16(width), [3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]),
    table(0x00, 0),
    table(0x10, progressive ? 0xe0 : 0),
    ...(progressive
      ? [scan([1, 2, 3], 0, 0, 6 * mcus), scan([1], 1, 63, empty(luma)), scan([2], 1, 63, empty(mcus)), scan([3], 1, 63, empty(mcus))]
      : [scan([1, 2, 3], 0, 63, 12 * mcus)]),
    Buffer.from([0xff, 0xd9]),
    Buffer.alloc(behind),
  ]);
}

/** A lossless WebP of one colour, which takes no bits a pixel. */
export function webp(width, height) {
  const bits = [...bitsOf(width - 1, 14), ...bitsOf(height - 1, 14), 1, 0, 0, 0];
  // No transform, no cache, no groups; five codes, each of one symbol.
  bits.push(0, 0, 0);
  for (let code = 0; code < 5; code++) bits.push(1, 0, 0, 0);
  const data = Buffer.from([0x2f, ...bytesOf(bits), 0]);
  const chunk = Buffer.concat([Buffer.from('VP8L'), u32le(data.length), data, Buffer.alloc(data.length % 2)]);
  return Buffer.concat([Buffer.from('RIFF'), u32le(chunk.length + 4), Buffer.from('WEBP'), chunk]);
}

/** An interlaced GIF of one colour. */
export function gif(width, height) {
  const bits = bitsOf(4, 3);
  // Each code but the first stands for one pixel more than the one before, until all are used.
  let [left, size, next] = [width * height, 3, 6];
  let run = 1;
  bits.push(...bitsOf(0, size));
  left -= 1;
  while (left > 0) {
    const wanted = Math.min(run + 1, left);
    const code = wanted === 1 ? 0 : wanted + 4;
    bits.push(...bitsOf(code, size));
    left -= wanted;
    if (next < 4096) {
      next += 1;
      run = Math.min(run + 1, 4090);
      if (next === 1 << size && size < 12) size += 1;
    }
  }
  bits.push(...bitsOf(5, size));
  const data = Buffer.from(bytesOf(bits));
  const blocks = [];
  for (let at = 0; at < data.length; at += 255) {
    const block = data.subarray(at, at + 255);
    blocks.push(Buffer.from([block.length]), block);
  }
  return Buffer.concat([
    Buffer.from('GIF89a'), u16le(width), u16le(height), Buffer.from([0x81, 0, 0]), Buffer.alloc(12, 90),
    Buffer.from([0x2c, 0, 0, 0, 0]), u16le(width), u16le(height), Buffer.from([0x40, 2]),
    ...blocks, Buffer.from([0, 0x3b]),
  ]);
}

/** The bits of a number, the lowest first. */
const bitsOf = (value, count) => Array.from({ length: count }, (_, bit) => (value >> bit) & 1);

function bytesOf(bits) {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, at) => (bytes[at >> 3] |= bit << (at & 7)));
  return bytes;
}
