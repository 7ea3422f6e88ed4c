import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { answer, CLOCK_UNKNOWN, HEADER, parseFrame } from "../../src/net/connection/frame";

const golden = new Uint8Array(readFileSync("../../wire/golden/frame.bin"));

function message(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

test("the golden frame", () => {
  assert.deepEqual(parseFrame(message(golden)), {
    serial: 7,
    tile: 3,
    flags: CLOCK_UNKNOWN,
    seq: 4711,
    captured: 1_763_640_000_123.25,
    sent: 1_763_640_000_140.5,
    jpeg: new Uint8Array([0xff, 0xd8, 0xff, 0xd9]),
  });
});

test("a short message has no header", () => {
  for (let length = 0; length < HEADER; length++) {
    assert.equal(parseFrame(message(golden.subarray(0, length))), null);
  }
  assert.equal(parseFrame(message(golden.subarray(0, HEADER)))?.jpeg.length, 0);
});

test("an answer is serials of four bytes, little-endian", () => {
  assert.deepEqual(new Uint8Array(answer([0x01020304])), new Uint8Array([4, 3, 2, 1]));
  const two = new Uint8Array([255, 255, 255, 255, 7, 0, 0, 0]);
  assert.deepEqual(new Uint8Array(answer([0xffffffff, 7])), two);
});
