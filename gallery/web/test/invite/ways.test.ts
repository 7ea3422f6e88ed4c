import assert from "node:assert/strict";
import test from "node:test";
import { coded, roomAt, typed, ways, type Address } from "../../src/invite/ways";

const at = (url: string, more: Partial<Address> = {}): Address => ({ url, warns: false, ...more });

const ETHERNET = at("http://192.168.1.20:8080/", { interface: "eth0" });
const WLAN = at("http://192.168.4.1:8080/", { interface: "wlan0" });
const NAME = at("http://workshop.local:8080/");
const SECURE = at("https://192.168.1.20:8443/", { interface: "eth0", warns: true });
const LOOPBACK = "http://localhost:8080/";

/** Each address as `url use`, as they are told. */
function told(addresses: Address[], here = LOOPBACK, elsewhere = false): string[] {
  const all = ways({ closed: false, elsewhere, addresses }, here);
  return all.map((way) => `${way.url} ${way.for.is}${way.warns ? " warns" : ""}`);
}

test("each address says what it is for", () => {
  assert.deepEqual(told([ETHERNET]), [`${ETHERNET.url} network`]);
  assert.deepEqual(told([NAME, ETHERNET, SECURE]), [
    `${NAME.url} network`,
    `${ETHERNET.url} unnamed`,
    `${SECURE.url} camera warns`,
  ]);
  assert.deepEqual(told([ETHERNET, WLAN, NAME]), [
    `${ETHERNET.url} interface`,
    `${WLAN.url} interface`,
    `${NAME.url} network`,
  ]);
  assert.deepEqual(told([SECURE]), [`${SECURE.url} network warns`], "the way in, if the only one");
});

test("the address by which somebody came from elsewhere is told first", () => {
  assert.deepEqual(told([ETHERNET, WLAN], WLAN.url, true)[0], `${WLAN.url} interface`);
  const proxy = "https://example.org/wall/";
  assert.deepEqual(told([ETHERNET], proxy, true), [`${proxy} own`, `${ETHERNET.url} network`]);
  assert.deepEqual(told([], proxy, true), [`${proxy} own`]);
  // HTTPS stays what takes a camera: its certificate may be one that others are warned of.
  assert.deepEqual(told([ETHERNET, SECURE], SECURE.url, true)[0], `${ETHERNET.url} network`);
});

test("a loopback address leads nobody else here", () => {
  for (const here of [LOOPBACK, "http://127.0.0.1:8080/", "http://[::1]/", "http://a.localhost/"]) {
    assert.deepEqual(told([ETHERNET], here, true), [`${ETHERNET.url} network`], here);
  }
  assert.deepEqual(told([], "http://workshop/", false), []);
});

test("the code has an address that every phone finds", () => {
  const code = (addresses: Address[]) =>
    coded(ways({ closed: false, elsewhere: false, addresses }, LOOPBACK))?.url;
  assert.equal(code([NAME, ETHERNET]), ETHERNET.url);
  assert.equal(code([at("http://workshop.lan:8080/"), NAME, ETHERNET]), ETHERNET.url);
  const v6 = at("http://[fd00::20]:8080/", { interface: "eth0" });
  assert.equal(code([NAME, v6]), v6.url);
  assert.equal(code([NAME]), NAME.url);
  const proxied = ways(
    { closed: false, elsewhere: true, addresses: [ETHERNET] },
    "https://example.org/",
  );
  assert.equal(coded(proxied)?.url, "https://example.org/");
  assert.equal(code([]), undefined);
});

test("an address leads into a room, also below a path, and is typed without its last slash", () => {
  assert.equal(roomAt(ETHERNET.url, "wall"), "http://192.168.1.20:8080/");
  assert.equal(roomAt(ETHERNET.url, "people"), "http://192.168.1.20:8080/people");
  assert.equal(roomAt("https://example.org/wall/", "photos"), "https://example.org/wall/photos");
  assert.equal(typed("https://example.org/wall/"), "https://example.org/wall");
});
