// A tile travels between its place on the wall and the middle of the page.

const SLOW = 480;
const GLIDE = "cubic-bezier(.6,0,.2,1)";

let from: { camera: string; rect: DOMRect } | null = null;

/** Remembers where a camera's tile is, just before the view changes. */
export function takeOff(camera: string, element: Element | null | undefined): void {
  from = element ? { camera, rect: element.getBoundingClientRect() } : null;
}

/** Moves the camera's tile in the new view in from where it was. */
export function land(camera: string, element: HTMLElement): void {
  const start = from?.camera === camera ? from.rect : null;
  from = null;
  if (!start || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const end = element.getBoundingClientRect();
  if (!end.width || !end.height) return;
  // Before its own place: its own transform is applied first.
  const shift = `translate(${start.left - end.left}px,${start.top - end.top}px)`;
  const scale = `scale(${start.width / end.width},${start.height / end.height})`;
  const own = getComputedStyle(element).transform;
  const place = own === "none" ? "" : own;
  element.animate(
    [
      { transform: `${shift} ${place} ${scale}`, zIndex: 3, transformOrigin: "0 0" },
      { transform: place || "none", zIndex: 3, transformOrigin: "0 0" },
    ],
    { duration: SLOW, easing: GLIDE },
  );
}
