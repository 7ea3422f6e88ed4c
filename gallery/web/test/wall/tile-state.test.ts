import assert from "node:assert/strict";
import test from "node:test";
import { face, tileState, type Seen } from "../../src/wall/tile/tile-state";
import type { Camera } from "../../src/net/messages";
import { en, es } from "../../src/words/words";

const english = { ...en, locale: "en-GB" };
const spanish = { ...es, locale: "es-ES" };
const now = new Date(2025, 10, 20, 17, 44, 14).getTime();
const camera: Camera = {
  camera: "house/roof-west",
  name: "Roof, west",
  kind: "v4l2",
  state: "live",
  since: now - 134_000,
};
const drawn = (age: number): Seen => ({
  opened: now - 60_000,
  captured: now - age,
  rested: false,
});
const nothing = (open: number): Seen => ({ opened: now - open, captured: null, rested: false });

test("live up to two seconds, then stale with its age", () => {
  assert.equal(tileState(camera, drawn(2_000), now), "live");
  assert.equal(tileState(camera, drawn(2_001), now), "stale");
  assert.equal(face(camera, drawn(2_000), now, english).age, "");
  assert.equal(face(camera, drawn(14_200), now, english).age, "14 s ago");
});

test("what was there before the page was hidden is stale, however new it is", () => {
  const before = (age: number): Seen => ({ ...drawn(age), rested: true });
  assert.equal(tileState(camera, before(40), now), "stale");
  assert.equal(tileState({ ...camera, interval: 60 }, before(40), now), "stale");
  assert.equal(face(camera, before(40), now, english).age, "");
  assert.equal(face(camera, before(14_200), now, english).age, "14 s ago");
  assert.equal(tileState(camera, { ...nothing(100), rested: true }, now), "connecting");
});

test("a slow camera is live for two of its intervals more, and says how old its picture is", () => {
  const slow = { ...camera, interval: 5 };
  assert.equal(tileState(slow, drawn(12_000), now), "live");
  assert.equal(tileState(slow, drawn(12_001), now), "stale");
  assert.equal(face(slow, drawn(1_900), now, english).age, "");
  assert.equal(face(slow, drawn(7_000), now, english).age, "7 s ago");
  assert.equal(face(slow, drawn(7_000), now, spanish).age, "hace 7 s");
  assert.equal(tileState(slow, nothing(14_999), now), "connecting");
  assert.equal(tileState(slow, nothing(15_000), now), "lost");
  assert.equal(tileState({ ...camera, interval: 1e12 }, drawn(7_203_000), now), "stale");
});

test("idle is shown as live: looking at it wakes it", () => {
  assert.equal(tileState({ ...camera, state: "idle" }, drawn(40), now), "live");
});

test("connecting for five seconds, then there are no pictures", () => {
  assert.equal(tileState(camera, nothing(4_999), now), "connecting");
  const late = face(camera, nothing(6_000), now, english);
  assert.equal(late.state, "lost");
  assert.deepEqual(late.why, {
    headline: "No pictures",
    line: "The camera has been silent for 6 s.",
  });
});

test("a picture that comes at once needs no word before it", () => {
  assert.equal(face(camera, nothing(100), now, english).why, null);
  assert.equal(face(camera, nothing(900), now, english).why?.headline, "Connecting");
});

test("a lost camera is lost however new its picture is", () => {
  assert.equal(tileState({ ...camera, state: "lost" }, drawn(10), now), "lost");
});

test("reasons are headlines, in both languages", () => {
  const said: [Partial<Camera>, string, string, string, string][] = [
    [
      { state: "lost", reason: "unplugged" },
      "Unplugged",
      "2 min ago. It comes back by itself.",
      "Desconectada",
      "Hace 2 min. Vuelve por sí sola.",
    ],
    [
      { state: "lost", reason: "stalled", since: now - 6_000 },
      "No pictures",
      "The camera has been silent for 6 s.",
      "Sin imágenes",
      "La cámara lleva 6 s en silencio.",
    ],
    [
      { state: "lost", reason: "frozen" },
      "The picture stands still",
      "Since 17:42. Check the program or device that it comes from.",
      "La imagen está parada",
      "Desde las 17:42. Revisa el programa o aparato de donde viene.",
    ],
    [
      { state: "lost", reason: "node-offline" },
      "house is offline",
      "Since 17:42",
      "house no responde",
      "Desde las 17:42",
    ],
    [
      { state: "error", reason: "busy", by: "obs" },
      "Taken by obs",
      "Close that program to see this camera.",
      "La usa obs",
      "Cierra ese programa para ver esta cámara.",
    ],
    [
      { state: "error", reason: "busy" },
      "Taken by another program",
      "Close that program to see this camera.",
      "La usa otro programa",
      "Cierra ese programa para ver esta cámara.",
    ],
    [
      { state: "error", reason: "permission" },
      "Not allowed",
      "Add the user to the group video.",
      "Sin permiso",
      "Añade el usuario al grupo video.",
    ],
    [
      { state: "error", reason: "usb-bandwidth" },
      "The USB bus is full",
      "Use a smaller size or another port.",
      "El bus USB está lleno",
      "Usa un tamaño menor u otro puerto.",
    ],
    [{ state: "off" }, "Off", "Since 17:42", "Apagada", "Desde las 17:42"],
  ];
  for (const [what, headline, line, titular, linea] of said) {
    const seen = nothing(60_000);
    assert.deepEqual(face({ ...camera, ...what }, seen, now, english).why, { headline, line });
    assert.deepEqual(face({ ...camera, ...what }, seen, now, spanish).why, {
      headline: titular,
      line: linea,
    });
  }
});

test("each reason that a node or the gallery can give has words", () => {
  for (const words of [english, spanish]) {
    for (const reason of ["broken", "format", "device"]) {
      const { why } = face({ ...camera, state: "error", reason }, nothing(9_000), now, words);
      assert.ok(why?.headline && why.line && why.headline !== words.trouble, reason);
    }
  }
});

test("a reason of a later version is told in the words that come with it", () => {
  const later: Camera = {
    ...camera,
    state: "error",
    reason: "unknown",
    detail: "lens cap on; take it off; then wait.",
  };
  assert.deepEqual(face(later, nothing(9_000), now, english).why, {
    headline: "Lens cap on",
    line: "Take it off; then wait.",
  });
  const mute: Camera = { ...camera, state: "lost" };
  assert.deepEqual(face(mute, nothing(9_000), now, english).why, {
    headline: "Lost",
    line: "Since 17:42",
  });
});

test("the label says name, state and reason, and counts no seconds", () => {
  const label = (what: Partial<Camera>, seen: Seen): string =>
    face({ ...camera, ...what }, seen, now, english).label;
  assert.equal(label({}, drawn(40)), "Roof, west: live");
  assert.equal(label({}, drawn(14_200)), "Roof, west: stale. Since 17:43");
  assert.equal(
    label({ state: "lost", reason: "unplugged" }, drawn(9)),
    "Roof, west: lost. Unplugged. Since 17:42",
  );
  assert.equal(
    label({ state: "error", reason: "busy", by: "obs" }, drawn(9)),
    "Roof, west: in trouble. Taken by obs. Close that program to see this camera",
  );
  assert.equal(
    label({ state: "lost", reason: "stalled" }, drawn(9)),
    "Roof, west: lost. No pictures",
  );
  assert.equal(label({ state: "off" }, nothing(9)), "Roof, west: off. Since 17:42");
});

test("a camera that is shown no more has ended, with who and when", () => {
  const ended: Camera = {
    ...camera,
    name: "Li Wei",
    state: "ended",
    since: new Date(2025, 10, 20, 17, 42).getTime(),
    detail: "Li Wei stopped showing",
  };
  const shown = face(ended, drawn(4_000), now, english);
  assert.equal(shown.state, "ended");
  assert.deepEqual(shown.why, {
    headline: "Ended",
    line: "Li Wei stopped showing at 17:42",
  });
  assert.equal(shown.label, "Li Wei: ended. Li Wei stopped showing at 17:42");
  assert.deepEqual(face(ended, drawn(4_000), now, spanish).why, {
    headline: "Terminada",
    line: "Li Wei dejó de mostrar a las 17:42",
  });
  const lost = { ...ended, detail: "the connection to Li Wei was lost" };
  assert.equal(
    face(lost, drawn(4_000), now, english).why?.line,
    "The connection to Li Wei was lost at 17:42",
  );
});

test("one who is called a lost connection stopped showing all the same", () => {
  const name = "the connection was lost";
  const ended: Camera = { ...camera, name, state: "ended", detail: `${name} stopped showing` };
  assert.match(face(ended, drawn(0), now, english).why?.line ?? "", /stopped showing at 17:42$/);
});
