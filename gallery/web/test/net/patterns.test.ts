import assert from "node:assert/strict";
import test from "node:test";
import { sees, toggled } from "../../src/net/patterns";

test("a star stands for any characters of one name, as the gallery has it", () => {
  const cases: [string[], string[], string[]][] = [
    [["house/door"], ["house/door"], ["house/doors", "houses/door", "house/doo"]],
    [["house/*"], ["house/door", "house/a"], ["house2/door", "my-house/door"]],
    [["*/door"], ["house/door", "barn/door"], ["house/door-2", "door/house"]],
    [["*"], ["house/door", "web-1/camera"], []],
    [["*/*"], ["house/door"], []],
    [["web-*/*"], ["web-01j9/camera"], ["web/camera", "house/web-1"]],
    [["h*e/d*r"], ["house/door", "he/dr"], ["h/door", "house/do"]],
    [["*a*b*/c"], ["ab/c", "xaxbx/c", "aab/c"], ["ba/c", "a/c"]],
    [["aa*a/c"], ["aaa/c", "aaxa/c"], ["aa/c"]],
    [["house/*", "barn/door"], ["house/x", "barn/door"], ["barn/x"]],
    [["house"], [], ["house/door"]],
    [[], [], ["house/door"]],
  ];
  for (const [patterns, seen, hidden] of cases) {
    for (const camera of seen) assert.ok(sees(patterns, camera), `${patterns} shows ${camera}`);
    for (const camera of hidden) assert.ok(!sees(patterns, camera), `${patterns} hides ${camera}`);
  }
  assert.ok(sees(null, "house/door"));
});

const all = ["house/door", "house/attic", "barn/door"];

test("one camera is taken from a pattern, and the others of it are named", () => {
  assert.deepEqual(toggled(null, "house/attic", all), ["house/door", "barn/door"]);
  assert.deepEqual(toggled(["house/*"], "house/attic", all), ["house/door"]);
  assert.deepEqual(toggled(["house/*", "*/door"], "house/attic", all), ["*/door"]);
  assert.deepEqual(toggled(["house/door"], "house/door", all), []);
});

test("a camera that is added is only itself, so that none comes along later", () => {
  assert.deepEqual(toggled(["house/*"], "barn/door", all), ["house/*", "barn/door"]);
  assert.deepEqual(toggled(["house/door", "barn/door"], "house/attic", all), [
    "house/door",
    "barn/door",
    "house/attic",
  ]);
});
