// The picture in the viewer: zoomed, swiped and pinched by PhotoSwipe, without its own controls.
// Loaded when the first photo is opened.

import PhotoSwipe from "photoswipe";
import { fileUrl } from "../../net/api";
import { movedByHand } from "../../page/moved-by-hand";
import type { Photo } from "../photo";

interface Padding {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

export interface Watched {
  element: HTMLElement;
  index: number;
  count: () => number;
  /** Null while it is not loaded. */
  photo: (index: number) => Photo | null;
  /** Its thumbnail on the page, from which it opens and to which it returns. */
  thumb: (photo: Photo) => Element | null;
  /** The space that the bars take of the window. */
  padding: () => Padding;
  broken: string;
  changed: (index: number) => void;
  tapped: () => void;
  /** A gesture closed it. */
  closing: () => void;
  closed: () => void;
}

/** Two clicks within this time, in ms, are a double click. */
const DOUBLE_CLICK = 300;

export class Slides {
  readonly #swipe: PhotoSwipe;
  readonly #watched: Watched;
  /** This code closed it: by the time of the event another photo may be open. */
  #asked = false;

  constructor(watched: Watched) {
    this.#watched = watched;
    const swipe = (this.#swipe = new PhotoSwipe({
      appendToEl: watched.element,
      index: watched.index,
      loop: false,
      bgOpacity: 1,
      spacing: 0.04,
      trapFocus: false,
      returnFocus: false,
      wheelToZoom: true,
      showAnimationDuration: 320,
      hideAnimationDuration: 280,
      zoomAnimationDuration: 240,
      easing: "cubic-bezier(.2,.8,.2,1)",
      errorMsg: watched.broken,
      imageClickAction: "zoom",
      tapAction: watched.tapped,
      bgClickAction: ({ x }) => this.#besides(x),
      paddingFn: watched.padding,
      initialZoomLevel: ({ panAreaSize, elementSize }) =>
        panAreaSize && elementSize
          ? Math.min(panAreaSize.x / elementSize.x, panAreaSize.y / elementSize.y)
          : 1,
      secondaryZoomLevel: ({ initial }) => Math.max(1, initial * 2),
      maxZoomLevel: ({ initial }) => Math.max(3, initial * 4),
    }));
    swipe.on("uiRegister", () => (swipe.ui!.uiElementsData.length = 0));
    // The page handles keys itself.
    swipe.on("keydown", (event) => event.preventDefault());
    // A double click would undo what the first click did.
    let clicked = -DOUBLE_CLICK;
    swipe.on("imageClickAction", (event) => {
      const { timeStamp } = event.originalEvent;
      if (timeStamp - clicked < DOUBLE_CLICK) event.preventDefault();
      clicked = timeStamp;
    });
    swipe.addFilter("numItems", watched.count);
    swipe.addFilter("itemData", (_, index) => this.#item(index));
    swipe.addFilter("thumbEl", (_, data) => {
      const photo = (data as { photo?: Photo }).photo;
      return (photo ? watched.thumb(photo) : null) as HTMLElement;
    });
    swipe.addFilter("placeholderSrc", (src, content) => content.data.msrc ?? src);
    swipe.on("change", () => watched.changed(swipe.currIndex));
    swipe.on("close", () => this.#asked || watched.closing());
    // PhotoSwipe ignores `close` while it opens.
    swipe.on("openingAnimationEnd", () => this.#asked && swipe.close());
    swipe.on("destroy", watched.closed);
    swipe.init();
    // The viewer around it is the dialog and has a name.
    swipe.element?.removeAttribute("role");
    if (swipe.element) movedByHand(swipe.element);
  }

  get index(): number {
    return this.#swipe.currIndex;
  }

  step(by: 1 | -1): void {
    if (by > 0) this.#swipe.next();
    else this.#swipe.prev();
  }

  /** 1 closer, -1 further away, 0 as at the beginning. */
  zoom(by: 1 | 0 | -1): void {
    const slide = this.#swipe.currSlide;
    if (!slide) return;
    const { initial, max } = slide.zoomLevels;
    const wanted = by === 0 ? initial : slide.currZoomLevel * 1.5 ** by;
    slide.zoomTo(Math.min(max, Math.max(initial, wanted)), undefined, 160);
  }

  /** The bars changed their size. */
  resized(): void {
    this.#swipe.updateSize(true);
  }

  close(): void {
    this.#asked = true;
    this.#swipe.close();
  }

  /** Photos came or went: the current one has this index now, or another replaces it. */
  sync(index: number): void {
    const swipe = this.#swipe;
    if (swipe.isDestroying) return;
    this.#asked = false;
    const by = index - swipe.currIndex;
    const holders = swipe.mainScroll.itemHolders;
    const shown = this.#idAt(index) === idOf(swipe.currSlide?.data);
    if (by !== 0) {
      swipe.currIndex += by;
      swipe.potentialIndex += by;
      for (const { slide } of holders) if (slide) slide.index += by;
    }
    const kept = new Set(holders.map(({ slide }) => slide?.content));
    const cached = swipe.contentLoader._cachedItems.filter((content) => kept.has(content));
    for (const content of cached) if (content.slide) content.index = content.slide.index;
    swipe.contentLoader._cachedItems = cached;
    for (const [i, { slide }] of holders.entries()) {
      const at = index - 1 + i;
      // Beside the one that opens there is nothing yet.
      if (i !== 1 && !swipe.opener.isOpen) continue;
      if (i === 1 ? shown : idOf(slide?.data) === this.#idAt(at)) continue;
      swipe.refreshSlideContent(at);
    }
  }

  #item(index: number) {
    const photo = this.#watched.photo(index);
    if (!photo) return { html: "" };
    const { id, width, height, caption = "" } = photo;
    return { src: fileUrl(id), msrc: fileUrl(id, "/thumb"), width, height, alt: caption, photo };
  }

  #idAt(index: number): string | undefined {
    return this.#watched.photo(index)?.id;
  }

  /** The previous and the next photo lie beside the picture. */
  #besides(x: number): void {
    const { innerWidth } = window;
    if (x < innerWidth / 3) this.step(-1);
    else if (x > (innerWidth * 2) / 3) this.step(1);
    else this.#swipe.close();
  }
}

function idOf(data: unknown): string | undefined {
  return (data as { photo?: Photo } | undefined)?.photo?.id;
}
