import { strict as assert } from "node:assert";
import { test } from "node:test";
import { AHEAD, Reel } from "../../src/photos/film/reel";

class Picture {
  closed = 0;
  close(): void {
    this.closed++;
  }
}

test("what is wanted is what comes next and is not there", () => {
  const reel = new Reel<Picture>(1_440);
  assert.deepEqual(reel.go(0).length, AHEAD);
  reel.put(0, new Picture());
  reel.put(1, null);
  assert.equal(reel.go(0)[0], 2);
  assert.deepEqual(reel.go(1_439), [1_439]);
});

test("it holds no more than it may, wherever one goes, and closes each picture once", () => {
  const reel = new Reel<Picture>(1_440);
  const made: Picture[] = [];
  const come = (at: number): void => {
    const picture = new Picture();
    made.push(picture);
    reel.put(at, picture);
  };
  for (const at of [0, 1, 2, 700, 699, 20, 1_400, 0]) {
    for (const place of reel.go(at)) come(place);
    // What was asked for long ago, and what is there already, comes too.
    come((at + 500) % 1_440);
    come(at);
    assert.ok(reel.size <= AHEAD + 4, `${reel.size}`);
    assert.ok(reel.get(at));
  }
  assert.equal(made.filter(({ closed }) => closed === 0).length, reel.size);
  reel.close();
  assert.ok(made.every(({ closed }) => closed === 1));
});
