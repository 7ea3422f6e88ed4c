import assert from "node:assert/strict";
import test from "node:test";
import { exifOf, withExif } from "../../src/photos/uploads/exif";
import { scaleFor } from "../../src/photos/uploads/smaller";

const text = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));
const segment = (marker: number, data: number[]): number[] => {
  const length = data.length + 2;
  return [0xff, marker, length >> 8, length & 255, ...data];
};
const JFIF = segment(0xe0, text("JFIF\0\x01\x01"));
const rest = [...segment(0xdb, [0]), ...segment(0xda, [1, 2]), 7, 7, 0xff, 0xd9];
const jpeg = (...segments: number[][]): Uint8Array =>
  Uint8Array.from([0xff, 0xd8, ...segments.flat(), ...rest]);

/** Exif with one entry before the orientation, and text behind. */
function exif(little: boolean, orientation: number): number[] {
  const n = (value: number, bytes: number): number[] => {
    const all = Array.from({ length: bytes }, (_, i) => (value >> (8 * (bytes - 1 - i))) & 255);
    return little ? all.reverse() : all;
  };
  const entry = (tag: number, value: number): number[] => [
    ...n(tag, 2),
    ...n(3, 2),
    ...n(1, 4),
    ...n(value, 2),
    ...n(0, 2),
  ];
  const tiff = [...text(little ? "II" : "MM"), ...n(42, 2), ...n(8, 4), ...n(2, 2)];
  const entries = [...entry(0x0103, 6), ...entry(0x0112, orientation)];
  return segment(0xe1, [...text("Exif\0\0"), ...tiff, ...entries, ...text("2026:11:30")]);
}

test("what a camera noted goes with a picture that is made of it, but for how it must be turned", () => {
  for (const little of [true, false]) {
    const found = exifOf(jpeg(JFIF, segment(0xe1, text("http://ns")), exif(little, 6)));
    assert.deepEqual([...found!], exif(little, 1));
    const made = withExif(jpeg(JFIF), found!);
    assert.deepEqual([...made], [...jpeg(JFIF, exif(little, 1))]);
    assert.deepEqual([...withExif(jpeg(), found!)], [...jpeg(exif(little, 1))]);
  }
});

test("whatever a file says, nothing is read or written beyond it", () => {
  const whole = jpeg(JFIF, exif(true, 6));
  for (let end = 0; end < whole.length; end++) exifOf(whole.slice(0, end));
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let i = 0; i < 20_000; i++) {
    const broken = whole.slice();
    for (let n = random(4); n >= 0; n--) broken[random(broken.length)] = random(256);
    const found = exifOf(broken);
    assert.ok(found === null || found.length <= broken.length);
  }
  for (const none of [jpeg(JFIF), new Uint8Array(), Uint8Array.of(0x89, 0x50)]) {
    assert.equal(exifOf(none), null);
  }
});

test("a picture shrinks to what is taken, to what phones can draw, and when it was refused for more", () => {
  assert.equal(scaleFor(12e6, 250e6, false), 1);
  assert.equal(scaleFor(12e6, 3e6, false), 0.5);
  assert.ok(scaleFor(200e6, 250e6, false) ** 2 * 200e6 <= 16_777_217);
  assert.ok(scaleFor(12e6, 250e6, true) ** 2 * 12e6 <= 6e6 + 1);
});
