// Plays a film on a canvas: at each frame of the screen the picture that is due, if it is decoded.

import { fileUrl } from "../../net/api";
import type { Photo } from "../photo";
import type { FilmAnswer, FilmAsk } from "./film-messages";
import { Reel } from "./reel";

declare const FILM_WORKER: string;

export class Player {
  readonly #canvas: HTMLCanvasElement;
  readonly #photos: readonly Photo[];
  readonly #seen: (at: number, ended: boolean) => void;
  readonly #worker = new Worker(new URL(FILM_WORKER, import.meta.url), { type: "module" });
  readonly #reel: Reel<ImageBitmap>;
  /** Pictures a second; 0 while it halts. */
  #rate = 0;
  #at = 0;
  #drawn = -1;
  #due = 0;
  #frame = 0;

  /** `seen` is told which photo is seen, and whether the film ended with it. */
  constructor(
    canvas: HTMLCanvasElement,
    photos: readonly Photo[],
    seen: (at: number, ended: boolean) => void,
  ) {
    this.#canvas = canvas;
    this.#photos = photos;
    this.#seen = seen;
    this.#reel = new Reel(photos.length);
    this.#worker.onmessage = ({ data }: MessageEvent<FilmAnswer>) =>
      this.#reel.put(data.at, data.picture);
    this.go(0);
    this.#frame = requestAnimationFrame(this.#turn);
  }

  get at(): number {
    return this.#at;
  }

  play(rate: number): void {
    this.#rate = rate;
    this.#due = performance.now();
  }

  go(to: number): void {
    this.#at = Math.min(this.#photos.length - 1, Math.max(0, to));
    this.#drawn = -1;
    this.#want();
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#worker.terminate();
    this.#reel.close();
  }

  #want(): void {
    const wanted: FilmAsk = this.#reel
      .go(this.#at)
      .map((at) => ({ at, url: fileUrl(this.#photos[at]!.id, "/thumb") }));
    this.#worker.postMessage(wanted);
  }

  readonly #turn = (now: number): void => {
    this.#frame = requestAnimationFrame(this.#turn);
    if (this.#drawn !== this.#at) return this.#draw(now);
    if (this.#rate === 0 || now < this.#due || this.#at >= this.#photos.length - 1) return;
    this.#at++;
    this.#want();
    this.#draw(now);
  };

  #draw(now: number): void {
    const picture = this.#reel.get(this.#at);
    // What is late is waited for: the film halts rather than leaves a photo out.
    if (picture === undefined) return;
    this.#drawn = this.#at;
    const step = 1_000 / Math.max(1, this.#rate);
    // The pace is kept on the whole; after a halt it begins anew.
    this.#due = now - this.#due > step ? now + step : this.#due + step;
    if (picture) this.#show(picture);
    this.#seen(this.#at, this.#at === this.#photos.length - 1);
  }

  #show(picture: ImageBitmap): void {
    const canvas = this.#canvas;
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) return;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const scale = Math.min(devicePixelRatio, 2);
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    const fit = Math.min(w / picture.width, h / picture.height);
    const [pw, ph] = [picture.width * fit, picture.height * fit];
    context.fillRect(0, 0, w, h);
    context.drawImage(picture, (w - pw) / 2, (h - ph) / 2, pw, ph);
  }
}
