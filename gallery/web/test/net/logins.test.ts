import assert from "node:assert/strict";
import test from "node:test";

test("a gallery that does not say who is there is given up, so that the page does not stay black", async (t) => {
  const page = { document: { baseURI: "http://vitrina.local/" }, navigator: { languages: ["en"] } };
  for (const [name, value] of Object.entries(page)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => Reflect.deleteProperty(globalThis, name));
  }
  const limit = new AbortController();
  t.mock.method(AbortSignal, "timeout", () => limit.signal);
  const hangs = (_: URL, init: RequestInit): Promise<Response> =>
    new Promise((_, failed) => {
      init.signal?.addEventListener("abort", () => failed(limit.signal.reason));
    });
  t.mock.method(globalThis, "fetch", hangs as typeof fetch);
  // The page's words ask the browser for its languages.
  const { askMe } = await import("../../src/net/logins");
  const asked = askMe();
  limit.abort();
  await assert.rejects(asked);
});
