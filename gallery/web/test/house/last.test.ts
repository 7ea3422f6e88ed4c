import assert from "node:assert/strict";
import test from "node:test";
import { isLast } from "../../src/house/last";
import type { User } from "../../src/net/logins";

const user = (name: string, more: Partial<User> = {}): User => ({
  ...{ name, role: "admin", cameras: null, hours: null, devices: 0, seen: null },
  ...more,
});

test("whoever alone runs the house is the last one", () => {
  const marta = user("marta");
  const tom = user("tom", { role: "operator" });
  assert.equal(isLast(marta, [marta, tom]), true);
  assert.equal(isLast(tom, [marta, tom]), false);
  assert.equal(isLast(marta, [marta, tom, user("ana")]), false);
});

test("an administrator who cannot always see every camera does not run the house for another", () => {
  const marta = user("marta");
  const evening = { hours: { from: "16:00", to: "20:00" } };
  for (const limits of [evening, { cameras: ["house/door"] }, { cameras: [] }]) {
    const ana = user("ana", limits);
    assert.equal(isLast(marta, [marta, ana]), true, JSON.stringify(limits));
    assert.equal(isLast(ana, [marta, ana]), false, JSON.stringify(limits));
  }
});
