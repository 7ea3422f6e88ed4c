// Fingers, mouse and keys on the large picture: sideways for another camera, down to go back, two
// fingers, the wheel or + and - to zoom.

import { movedByHand } from "../../page/moved-by-hand";
import { Zoom, type Point } from "./zoom";

/** A swipe counts from this length on, in CSS pixels. */
const MEANT = 64;

/** How many CSS pixels of the wheel zoom to double; a pinch on a touchpad comes as a wheel too,
 * in smaller steps. */
const DOUBLE = 400;
const DOUBLE_PINCH = 80;

/** The pixels of a line, for a wheel that counts in lines. */
const LINE = 16;

/** The zoom factor of one key press. */
const KEY = 1.5;

export interface Gestures {
  sideways(by: 1 | -1): void;
  down(): void;
  /** The picture is shown `zoom` times larger. */
  zoomed(zoom: number): void;
}

export interface Following {
  /** Whether the key was handled. Esc first ends the zoom. */
  press(key: string): boolean;
  stop(): void;
}

/** Moves `picture` as gestures on `area` say. */
export function followGestures(
  area: HTMLElement,
  picture: () => HTMLElement | null,
  gestures: Gestures,
): Following {
  const zoom = new Zoom(area, picture, gestures.zoomed);
  const fingers = new Map<number, Point>();
  let drag = { x: 0, y: 0 };

  const down = (event: PointerEvent): void => {
    if (event.pointerType === "mouse" && (zoom.factor === 1 || event.button !== 0)) return;
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
    else if (zoom.factor > 1) zoom.pan(now.x - before.x, now.y - before.y);
    else drag = { x: drag.x + now.x - before.x, y: drag.y + now.y - before.y };
    zoom.draw(drag);
  };

  const up = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId) || fingers.size > 0) return;
    const { x, y } = drag;
    drag = { x: 0, y: 0 };
    if (zoom.factor < 1.05) zoom.reset();
    zoom.draw();
    if (event.type === "pointerup" && zoom.factor === 1) decide(x, y);
  };

  const pinch = (before: Point, now: Point, other: Point): void => {
    const spread = distance(now, other) / Math.max(1, distance(before, other));
    // The point between the fingers stays between them.
    zoom.by(spread, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    zoom.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  };

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE);
    const double = event.ctrlKey ? DOUBLE_PINCH : DOUBLE;
    zoom.by(2 ** (-turned / double), { x: event.clientX, y: event.clientY });
    zoom.draw();
  };

  const press = (key: string): boolean => {
    if (key === "+" || key === "=") zoom.by(KEY);
    else if (key === "-") zoom.by(1 / KEY);
    else if (key === "0" || (key === "Escape" && zoom.factor > 1)) zoom.reset();
    else return false;
    zoom.draw();
    return true;
  };

  const decide = (x: number, y: number): void => {
    if (Math.abs(x) > MEANT && Math.abs(x) > Math.abs(y)) gestures.sideways(x < 0 ? 1 : -1);
    else if (y > MEANT && y > Math.abs(x)) gestures.down();
  };

  area.addEventListener("pointerdown", down);
  area.addEventListener("pointermove", move);
  area.addEventListener("pointerup", up);
  area.addEventListener("pointercancel", up);
  area.addEventListener("wheel", wheel, { passive: false });
  const letGo = movedByHand(area);
  const stop = (): void => {
    area.removeEventListener("pointerdown", down);
    area.removeEventListener("pointermove", move);
    area.removeEventListener("pointerup", up);
    area.removeEventListener("pointercancel", up);
    area.removeEventListener("wheel", wheel);
    letGo();
    area.classList.remove("zoomed");
  };
  return { press, stop };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
