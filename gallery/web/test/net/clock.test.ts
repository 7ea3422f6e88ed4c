import assert from "node:assert/strict";
import test from "node:test";
import { Clock, WINDOW } from "../../src/net/clock";

test("before anything is heard the clocks are taken for equal", () => {
  assert.equal(new Clock().local(1_000), 1_000);
});

test("the message that was least late counts", () => {
  const clock = new Clock();
  for (const late of [40, 5, 300]) clock.hear(1_000_000, 1_000_000 + 7_000 + late);
  assert.equal(clock.local(2_000_000), 2_007_005);
});

test("a gallery whose clock is set back is followed within two windows", () => {
  const clock = new Clock();
  let now = 50_000;
  for (; now < 60_000; now += 100) clock.hear(now, now);
  for (; now < 60_000 + 2 * WINDOW + 200; now += 100) clock.hear(now - 3_600_000, now);
  assert.equal(clock.local(now - 3_600_000), now);
});

test("a gallery whose clock is set forward is followed at once", () => {
  const clock = new Clock();
  clock.hear(1_000, 1_000);
  clock.hear(90_000, 1_010);
  assert.equal(clock.local(90_000), 1_010);
});

test("when our clock is set back, what was learnt is void", () => {
  const clock = new Clock();
  clock.hear(100_000, 100_000);
  clock.hear(100_100, 40_100);
  assert.equal(clock.local(100_100), 40_100);
});

test("after a long silence the old difference does not count", () => {
  const clock = new Clock();
  clock.hear(0, 0);
  clock.hear(100_000, 100_400);
  assert.equal(clock.local(100_000), 100_400);
});
