// Decodes pictures and draws them; for each tile the newest wins.

export interface Picture {
  jpeg: Blob;
  /** By our clock. */
  captured: number;
  /** The capture time is unknown: the picture is at least so old. */
  least: boolean;
  /** When it arrived, by `performance.now()`. */
  came: number;
}

export type Drawn = (tile: number, picture: Picture, width: number, height: number) => void;

type Canvas = OffscreenCanvas | HTMLCanvasElement;
type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D;

interface Screen {
  camera: string;
  canvas: Canvas;
  context: Context | null;
  decoding: boolean;
  /** The one to decode next; a newer one replaces it. */
  next: Job | null;
}

interface Job {
  picture: Picture;
  /** Called once, when the picture was drawn or discarded. */
  done: () => void;
}

export class Screens {
  readonly #screens = new Map<number, Screen>();
  /** The last picture drawn of each camera, as JPEG, for canvases that open later. */
  readonly #last = new Map<string, Picture>();
  readonly #drawn: Drawn;

  constructor(drawn: Drawn) {
    this.#drawn = drawn;
  }

  add(tile: number, camera: string, canvas: Canvas): void {
    this.#screens.set(tile, { camera, canvas, context: null, decoding: false, next: null });
    const last = this.#last.get(camera);
    if (last) this.show(tile, last, () => {});
  }

  remove(tile: number): void {
    const screen = this.#screens.get(tile);
    if (screen) discardNext(screen);
    this.#screens.delete(tile);
  }

  show(tile: number, picture: Picture, done: () => void): void {
    const screen = this.#screens.get(tile);
    if (!screen) return done();
    discardNext(screen);
    screen.next = { picture, done };
    if (!screen.decoding) void this.#work(tile, screen);
  }

  /** Forgets all pictures except those of these cameras, also the ones on a canvas. */
  keep(cameras: Set<string>): void {
    for (const camera of this.#last.keys()) if (!cameras.has(camera)) this.#last.delete(camera);
    for (const [tile, screen] of this.#screens) {
      if (cameras.has(screen.camera)) continue;
      discardNext(screen);
      screen.context?.clearRect(0, 0, screen.canvas.width, screen.canvas.height);
      // A picture being decoded now is for the earlier screen.
      this.#screens.set(tile, { ...screen, decoding: false });
    }
  }

  async #work(tile: number, screen: Screen): Promise<void> {
    screen.decoding = true;
    for (let job = screen.next; job; job = screen.next) {
      screen.next = null;
      try {
        const bitmap = await createImageBitmap(job.picture.jpeg);
        if (this.#screens.get(tile) === screen) this.#draw(tile, screen, job.picture, bitmap);
        bitmap.close();
      } catch {
        // A broken picture is not drawn; the one before ages in its place.
      }
      job.done();
    }
    screen.decoding = false;
  }

  #draw(tile: number, screen: Screen, picture: Picture, bitmap: ImageBitmap): void {
    const { canvas } = screen;
    const { width, height } = bitmap;
    // Asked for at the first picture only, since an opaque canvas is black from then on.
    screen.context ??= canvas.getContext("2d", { alpha: false }) as Context | null;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    screen.context?.drawImage(bitmap, 0, 0);
    this.#last.set(screen.camera, picture);
    this.#drawn(tile, picture, width, height);
  }
}

function discardNext(screen: Screen): void {
  screen.next?.done();
  screen.next = null;
}
