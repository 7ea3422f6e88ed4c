// Mouse and fingers on the wall. Drag a tile, or press it long, and it is lifted; swipe, and the
// wall turns its page.

/** A mouse that moves so many CSS pixels drags. */
const DRAGS = 6;
/** A finger that stays within so many CSS pixels for so long, in milliseconds, presses long. */
const STAYS = 10;
const LONG = 450;
/** A swipe counts from so many CSS pixels on. */
const MEANT = 64;
/** So near to an edge, a held tile scrolls the wall, or turns its page after so many milliseconds. */
const EDGE = 40;
const SCROLL = 8;
const TURNS = 700;

export interface Hand {
  /** Whether this wall has pages, so that a swipe means something. */
  swipes(): boolean;
  turn(by: 1 | -1): void;
  /** A tile is lifted. False if it may not be. */
  lift(camera: string): boolean;
  /** It moved by so many pixels since; the hand is at this point of the wall, scrolled as it is. */
  carry(by: Point, at: Point): void;
  /** It is let go, where it was carried last. `moved`: it was carried at all. */
  drop(moved: boolean): void;
  /** It goes back. */
  cancel(): void;
}

interface Point {
  x: number;
  y: number;
}

interface Press {
  id: number;
  camera: string | null;
  touch: boolean;
  from: Point;
  at: Point;
  lifted: boolean;
  moved: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export interface Following {
  /** Puts back what is lifted; whether something was. */
  cancel(): boolean;
  stop(): void;
}

export function followHand(wall: HTMLElement, hand: Hand): Following {
  let press: Press | null = null;
  let frame = 0;
  let waits = 0;

  const here = (event: PointerEvent): Point => ({ x: event.clientX, y: event.clientY });
  const carry = (): void => {
    const { from, at } = press!;
    const { left, top } = wall.getBoundingClientRect();
    hand.carry(
      { x: at.x - from.x, y: at.y - from.y },
      { x: at.x - left, y: at.y - top + wall.scrollTop },
    );
  };
  const lift = (): void => {
    const now = press!;
    if (now.camera === null || !hand.lift(now.camera)) return end();
    now.lifted = true;
    // What the hand does now is the wall's, wherever it goes.
    if (wall.isConnected) wall.setPointerCapture(now.id);
    carry();
    frame = requestAnimationFrame(edges);
  };
  const end = (): void => {
    clearTimeout(press?.timer);
    cancelAnimationFrame(frame);
    press = null;
  };

  /** At an edge the wall goes on. */
  const edges = (time: number): void => {
    if (!press?.lifted) return;
    const { left, right, top, bottom } = wall.getBoundingClientRect();
    const { x, y } = press.at;
    const scrolled = wall.scrollTop;
    if (y < top + EDGE) wall.scrollTop -= SCROLL;
    else if (y > bottom - EDGE) wall.scrollTop += SCROLL;
    const by = x < left + EDGE ? -1 : x > right - EDGE ? 1 : null;
    if (by === null || !hand.swipes()) waits = time;
    else if (time - waits > TURNS) {
      hand.turn(by);
      waits = time;
    }
    if (wall.scrollTop !== scrolled) {
      press.from.y -= wall.scrollTop - scrolled;
      carry();
    }
    frame = requestAnimationFrame(edges);
  };

  const down = (event: PointerEvent): void => {
    const touch = event.pointerType !== "mouse";
    if (press) {
      // A second finger means something else; the same one was never seen to leave.
      const same = press.id === event.pointerId;
      cancel();
      if (!same) return;
    }
    if (!event.isPrimary || event.button !== 0) return;
    const target = event.target as Element;
    if (target.closest(".grab button, .shoot, input")) return;
    const camera = target.closest<HTMLElement>(".tile")?.dataset.camera ?? null;
    const at = here(event);
    press = {
      id: event.pointerId,
      camera,
      touch,
      from: at,
      at,
      lifted: false,
      moved: false,
      timer: undefined,
    };
    if (touch && camera !== null) press.timer = setTimeout(lift, LONG);
  };
  const move = (event: PointerEvent): void => {
    if (!press || event.pointerId !== press.id) return;
    press.at = here(event);
    const far = Math.hypot(press.at.x - press.from.x, press.at.y - press.from.y);
    if (press.lifted) {
      press.moved ||= far > DRAGS;
      carry();
    } else if (press.touch && far > STAYS) clearTimeout(press.timer);
    else if (!press.touch && far > DRAGS) {
      lift();
      if (press) press.moved = true;
    }
  };
  const up = (event: PointerEvent): void => {
    if (!press || event.pointerId !== press.id) return;
    const { lifted, moved, touch, from } = press;
    const { x, y } = here(event);
    end();
    const dx = x - from.x;
    if (lifted) {
      swallowClick();
      hand.drop(moved);
    } else if (
      touch &&
      hand.swipes() &&
      Math.abs(dx) > MEANT &&
      Math.abs(dx) > Math.abs(y - from.y)
    ) {
      swallowClick();
      hand.turn(dx < 0 ? 1 : -1);
    }
  };
  const cancelled = (event: PointerEvent): void => {
    if (press?.id === event.pointerId) cancel();
  };
  const cancel = (): boolean => {
    const lifted = press?.lifted ?? false;
    end();
    if (lifted) hand.cancel();
    return lifted;
  };
  // `touch-action` cannot say it: whether fingers scroll is known only once they stay or move.
  const keep = (event: TouchEvent): void => {
    const mine = press?.lifted || (hand.swipes() && event.touches.length === 1);
    if (mine && event.cancelable) event.preventDefault();
  };
  // A long press opens no menu.
  const menu = (event: MouseEvent): void => {
    if (press?.touch) event.preventDefault();
  };
  const listen: [EventTarget, string, (event: never) => void, AddEventListenerOptions?][] = [
    [wall, "pointerdown", down],
    [window, "pointermove", move],
    [window, "pointerup", up],
    [window, "pointercancel", cancelled],
    [wall, "touchmove", keep, { passive: false }],
    [wall, "contextmenu", menu],
    [wall, "dragstart", (event: Event) => event.preventDefault()],
  ];
  for (const [target, type, listener, options] of listen)
    target.addEventListener(type, listener as EventListener, options);
  return {
    cancel,
    stop() {
      cancel();
      for (const [target, type, listener] of listen)
        target.removeEventListener(type, listener as EventListener);
    },
  };
}

/** The click that ends a drag opens nothing. It comes at once or never. */
function swallowClick(): void {
  const swallow = (event: Event): void => {
    event.stopPropagation();
    event.preventDefault();
  };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
}
