import assert from "node:assert/strict";
import test from "node:test";
import { HEAD, kindOf } from "../../src/photos/uploads/file-kind";

const head = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

test("a file is what its first bytes say", () => {
  for (const [bytes, kind] of [
    ["\xff\xd8\xff\xe1..Exif", "taken"],
    ["\x89PNG\r\n\x1a\n", "taken"],
    ["GIF89a", "taken"],
    ["RIFF\x10\0\n\0WEBPVP8 ", "taken"],
    ["\0\0\0\x24ftypheic", "HEIC"],
    ["\0\0\0\x24ftypmif1", "HEIC"],
    ["\0\0\0\x20ftypavif", "AVIF"],
    ["II*\0", "TIFF"],
    ["MM\0*", "TIFF"],
    ["\xff\x0a", "JPEG XL"],
    ["\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"],
    ["BM", "BMP"],
    ["\0\0\0\x18ftypmp42", "none"],
    ["<svg xmlns=", "none"],
    ["RIFF\x10\0\0\0AVI ", "none"],
    ["\xff\xd8", "none"],
    ["", "none"],
  ] as const) {
    assert.equal(kindOf(head(bytes)), kind, JSON.stringify(bytes));
    assert.ok(
      bytes.length <= HEAD || kind === "none" || kindOf(head(bytes.slice(0, HEAD))) === kind,
    );
  }
});
