// What fingers move here, the page moves: the browser neither scrolls nor throws it.

/**
 * Keeps what fingers do on an element from the browser; what comes back ends it.
 *
 * `touch-action: none` is not enough. Chromium takes the end of a swipe on it for a throw all the
 * same, and the next tap, anywhere and for more than half a second, for the hand that stops it.
 */
export function movedByHand(element: HTMLElement): () => void {
  const keep = (event: TouchEvent): void => {
    if (event.cancelable) event.preventDefault();
  };
  element.addEventListener("touchmove", keep, { passive: false });
  return () => element.removeEventListener("touchmove", keep);
}
