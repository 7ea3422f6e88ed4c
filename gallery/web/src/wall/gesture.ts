// Fingers on the large picture: sideways for another camera, down to go back, two to zoom.

/** A swipe of so many CSS pixels is meant. */
const MEANT = 64;
/** The largest zoom. */
const MOST = 6;

export interface Gestures {
  sideways(by: 1 | -1): void;
  down(): void;
  /** The picture is shown so many times larger. */
  zoomed(zoom: number): void;
}

/** Follows the fingers on `area` by moving `picture`. What comes back ends it. */
export function followFingers(
  area: HTMLElement,
  picture: () => HTMLElement | null,
  gestures: Gestures,
): () => void {
  const fingers = new Map<number, { x: number; y: number }>();
  let zoom = 1;
  let shift = { x: 0, y: 0 };
  let drag = { x: 0, y: 0 };

  const draw = (): void => {
    const element = picture();
    if (!element) return;
    const x = shift.x + drag.x;
    const y = shift.y + drag.y;
    element.style.transform = x || y || zoom !== 1 ? `translate(${x}px,${y}px) scale(${zoom})` : "";
  };

  const down = (event: PointerEvent): void => {
    if (event.pointerType === "mouse" && zoom === 1) return;
    area.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size > 1) drag = { x: 0, y: 0 };
  };

  const move = (event: PointerEvent): void => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    fingers.set(event.pointerId, now);
    if (other) pinch(before, now, other);
    else if (zoom > 1) pan(now.x - before.x, now.y - before.y);
    else drag = { x: drag.x + now.x - before.x, y: drag.y + now.y - before.y };
    draw();
  };

  const up = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId)) return;
    if (fingers.size === 0) {
      const { x, y } = drag;
      drag = { x: 0, y: 0 };
      if (zoom < 1.05) reset();
      draw();
      if (event.type === "pointerup" && zoom === 1) decide(x, y);
    }
  };

  const pinch = (before: Point, now: Point, other: Point): void => {
    const spread = distance(now, other) / Math.max(1, distance(before, other));
    const next = Math.min(MOST, Math.max(1, zoom * spread));
    // The point between the fingers stays between them.
    const { left, top, width, height } = area.getBoundingClientRect();
    const middle = {
      x: (now.x + other.x) / 2 - left - width / 2,
      y: (now.y + other.y) / 2 - top - height / 2,
    };
    const grown = next / zoom;
    shift = {
      x: middle.x - (middle.x - shift.x) * grown,
      y: middle.y - (middle.y - shift.y) * grown,
    };
    zoom = next;
    pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    gestures.zoomed(zoom);
  };

  /** The picture never leaves its frame. */
  const pan = (x: number, y: number): void => {
    const element = picture();
    if (!element) return;
    const wide = (element.offsetWidth * (zoom - 1)) / 2;
    const high = (element.offsetHeight * (zoom - 1)) / 2;
    shift = { x: within(shift.x + x, wide), y: within(shift.y + y, high) };
  };

  const reset = (): void => {
    zoom = 1;
    shift = { x: 0, y: 0 };
    gestures.zoomed(1);
  };

  const decide = (x: number, y: number): void => {
    if (Math.abs(x) > MEANT && Math.abs(x) > Math.abs(y)) gestures.sideways(x < 0 ? 1 : -1);
    else if (y > MEANT && y > Math.abs(x)) gestures.down();
  };

  area.addEventListener("pointerdown", down);
  area.addEventListener("pointermove", move);
  area.addEventListener("pointerup", up);
  area.addEventListener("pointercancel", up);
  return () => {
    area.removeEventListener("pointerdown", down);
    area.removeEventListener("pointermove", move);
    area.removeEventListener("pointerup", up);
    area.removeEventListener("pointercancel", up);
  };
}

type Point = { x: number; y: number };

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function within(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value));
}
