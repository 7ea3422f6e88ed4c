// How large a picture is shown in its area, and where: zoomed about a point, and never out of its
// frame.

/** The largest zoom. */
const MOST = 6;

export interface Point {
  x: number;
  y: number;
}

export class Zoom {
  #factor = 1;
  #shift: Point = { x: 0, y: 0 };
  readonly #area: HTMLElement;
  readonly #picture: () => HTMLElement | null;
  readonly #zoomed: (factor: number) => void;

  /** Calls `zoomed` with each new factor. */
  constructor(
    area: HTMLElement,
    picture: () => HTMLElement | null,
    zoomed: (factor: number) => void,
  ) {
    this.#area = area;
    this.#picture = picture;
    this.#zoomed = zoomed;
  }

  get factor(): number {
    return this.#factor;
  }

  /** Zooms around this point of the window, or the middle, which stays in place. */
  by(factor: number, at?: Point): void {
    const next = Math.min(MOST, Math.max(1, this.#factor * factor));
    const { left, top, width, height } = this.#area.getBoundingClientRect();
    const middle = { x: left + width / 2, y: top + height / 2 };
    const x = (at ?? middle).x - middle.x;
    const y = (at ?? middle).y - middle.y;
    const grown = next / this.#factor;
    this.#shift = { x: x - (x - this.#shift.x) * grown, y: y - (y - this.#shift.y) * grown };
    this.#factor = next;
    this.pan(0, 0);
    this.#area.classList.toggle("zoomed", next > 1);
    this.#zoomed(next);
  }

  /** Moves the picture; it never leaves its frame. */
  pan(x: number, y: number): void {
    const picture = this.#picture();
    if (!picture) return;
    const wide = (picture.offsetWidth * (this.#factor - 1)) / 2;
    const high = (picture.offsetHeight * (this.#factor - 1)) / 2;
    this.#shift = { x: within(this.#shift.x + x, wide), y: within(this.#shift.y + y, high) };
  }

  reset(): void {
    this.by(1 / this.#factor);
  }

  /** Puts the picture where it belongs, and `drag` beside that. */
  draw(drag: Point = { x: 0, y: 0 }): void {
    const picture = this.#picture();
    if (!picture) return;
    const x = this.#shift.x + drag.x;
    const y = this.#shift.y + drag.y;
    const moved = x || y || this.#factor !== 1;
    picture.style.transform = moved ? `translate(${x}px,${y}px) scale(${this.#factor})` : "";
  }
}

function within(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value));
}
