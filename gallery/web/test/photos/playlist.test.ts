import { strict as assert } from "node:assert";
import { test } from "node:test";
import type { Photo } from "../../src/photos/photo";
import { Playlist } from "../../src/photos/slideshow/playlist";

const photo = (id: string): Photo => ({
  id,
  taken: 0,
  time: "",
  received: 0,
  type: "image/jpeg",
  bytes: 1,
  width: 1,
  height: 1,
  hash: "",
});
const list = (ids: string): Playlist => new Playlist([...ids].map(photo), ({ id }) => id !== "x");
const steps = (list: Playlist, by: 1 | -1, n: number): string =>
  Array.from({ length: n }, () => list.step(by)?.id ?? "-").join("");

test("it goes round in both directions", () => {
  const all = list("abc");
  assert.equal(steps(all, 1, 5), "abcab");
  assert.equal(steps(all, -1, 3), "acb");
});

test("what comes is next, in the order in which it came, unless it is not meant", () => {
  const all = list("abc");
  all.step(1);
  for (const id of ["n", "x", "m"]) all.hear({ event: "stored", photo: photo(id) });
  assert.equal(steps(all, 1, 3), "nmb");
  all.hear({ event: "stored", photo: photo("o") });
  assert.equal(steps(all, 1, 7), "ocanmbo");
});

test("what is deleted is not shown any more, wherever it is", () => {
  const all = list("abcd");
  steps(all, 1, 2);
  for (const id of ["a", "c"]) all.hear({ event: "deleted", id });
  assert.equal(all.shown?.id, "b");
  all.hear({ event: "deleted", id: "b" });
  assert.equal(steps(all, 1, 2), "dd");
  all.hear({ event: "deleted", id: "d" });
  assert.equal(all.step(1), null);
  all.hear({ event: "stored", photo: photo("n") });
  assert.equal(all.step(1)?.id, "n");
});

test("one that came and was deleted before its turn makes no other new", () => {
  const all = list("ab");
  all.step(1);
  for (const id of ["n", "m"]) all.hear({ event: "stored", photo: photo(id) });
  all.hear({ event: "deleted", id: "n" });
  all.hear({ event: "stored", photo: photo("o") });
  assert.equal(steps(all, 1, 3), "mob");
});
