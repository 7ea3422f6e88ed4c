import assert from "node:assert/strict";
import test from "node:test";
import { LOOK, Silence } from "../../src/net/connection/silence";

/** Looks as often as it should until it is dead; at most for so long. Gives when that was. */
function died(silence: Silence, from: number, most = 600_000): number | null {
  for (let now = from; now <= from + most; now += LOOK) if (silence.isDead(now)) return now;
  return null;
}

/** It speaks each `every` ms until `end`, and is looked at all the while. */
function speaks(silence: Silence, from: number, end: number, every: number): void {
  for (let now = from, next = from; now < end; now += LOOK) {
    for (; next <= now; next += every) silence.hear(next);
    assert.ok(!silence.isDead(now), `alive at ${now}`);
  }
}

test("a connection that falls silent is noticed within 5 s, one that speaks each 2 s never", () => {
  const silence = new Silence(0);
  silence.begin(0);
  speaks(silence, 0, 300_000, 2_000);
  silence.hear(300_000);
  const at = died(silence, 300_000);
  assert.ok(at !== null && at - 300_000 >= 4_000 && at - 300_000 < 4_500, `${at}`);
});

test("each time again, though the page tries again", () => {
  const silence = new Silence(0);
  for (let now = 0, n = 0; n < 5; n++, now += 120_000) {
    silence.begin(now);
    speaks(silence, now, now + 100_000, 2_000);
    const at = died(silence, now + 100_000);
    assert.ok(at !== null && at - now - 100_000 < 4_500, `${n}: ${at}`);
  }
});

test("a link so slow that a picture takes seconds is given the time, and is not cut for ever", () => {
  const silence = new Silence(0);
  let now = 0;
  let cuts = 0;
  // Each picture takes 12 s; the next connection begins with one again.
  for (; cuts < 10; cuts++) {
    silence.begin(now);
    silence.hear(now);
    const at = died(silence, now, 12_000);
    if (at === null) break;
    now = at + 1_000;
  }
  assert.ok(cuts <= 3, `${cuts} cuts`);
  speaks(silence, now + 12_000, now + 120_000, 12_000);
});

test("a link on which each picture takes some seconds is not cut again and again", () => {
  const silence = new Silence(0);
  let [now, cuts] = [0, 0];
  // The list of cameras, and then a picture after 3 s, after 5 s, after 3 s …
  const gaps = [100, 3_000, 5_000, 3_000, 6_000, 4_500, 5_000];
  for (let alive = 0; alive < gaps.length && cuts < 10;) {
    silence.begin(now);
    for (alive = 0; alive < gaps.length; alive++) {
      const at = died(silence, now, gaps[alive]);
      now = at ?? now + gaps[alive]!;
      if (at !== null) break;
      silence.hear(now);
    }
    if (alive < gaps.length) cuts++;
  }
  assert.ok(cuts <= 2, `${cuts} cuts`);
});

test("a link that was slow once is watched closely again when it was quick for a while", () => {
  const silence = new Silence(0);
  let now = 0;
  for (let n = 0; n < 3; n++) {
    silence.begin(now);
    silence.hear(now);
    now = died(silence, now)!;
  }
  assert.ok(now > 15_000, "it was slow");
  silence.begin(now);
  speaks(silence, now, now + 40_000, 1_000);
  now += 40_000;
  assert.ok(died(silence, now)! - now < 4_500);
});

test("a network that freezes again and again is not taken for a slow one", () => {
  const silence = new Silence(0);
  for (let now = 0, n = 0; n < 10; n++) {
    silence.begin(now);
    speaks(silence, now, now + 4_000, 2_000);
    const at = died(silence, now + 4_000)!;
    assert.ok(at - now - 2_000 <= 4_500, `${at - now}`);
    now = at;
  }
});

test("a laptop that slept hears what came before it judges, and does not wait long", () => {
  const silence = new Silence(0);
  silence.begin(0);
  speaks(silence, 0, 10_000, 2_000);
  const awake = 10_000 + 3_600_000;
  assert.ok(!silence.isDead(awake));
  const at = died(silence, awake);
  assert.ok(at !== null && at - awake <= 3_000, `${at! - awake}`);
});

test("timers that come once a minute, as in hidden tabs, notice it too", () => {
  const silence = new Silence(0);
  silence.begin(0);
  for (let minute = 1; minute < 10; minute++) {
    for (let s = 0; s < 60; s += 2) silence.hear((minute - 1) * 60_000 + s * 1_000);
    assert.ok(!silence.isDead(minute * 60_000));
  }
  // Nothing was heard since 538 s: the first late look excuses itself, the next does not.
  assert.ok(silence.isDead(600_000) || silence.isDead(660_000));
});

test("a connection that never said a word after it opened is dead as soon", () => {
  const silence = new Silence(0);
  silence.begin(50_000);
  assert.ok(died(silence, 50_000)! - 50_000 < 4_500);
});
