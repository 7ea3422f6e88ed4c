// The bars of the viewer: how much of the window they take, and when they fade.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const QUIET = 3_000;

/** Reports when the lower bars change their size; on a phone one stands on the other. */
export function useBars(
  element: { current: HTMLElement | null },
  resized: () => void,
  bars: string,
) {
  useLayoutEffect(() => {
    const side = element.current!.querySelector<HTMLElement>(".side");
    const foot = element.current!.querySelector<HTMLElement>(".foot");
    const observer = new ResizeObserver(() => {
      element.current?.style.setProperty("--told", `${side?.offsetHeight ?? 0}px`);
      resized();
    });
    for (const bar of [side, foot]) if (bar) observer.observe(bar);
    resized();
    return () => observer.disconnect();
  }, [bars]);
}

/** Bars fade after a while without activity. */
export function useQuiet(element: { current: HTMLElement | null }): [boolean, () => void] {
  const [quiet, setQuiet] = useState(false);
  const turn = useRef(() => {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const used = (): boolean =>
      element.current?.querySelector(
        ":is(.top,.foot,.side,.beside):hover, :is(.top,.foot,.beside) :focus-visible",
      ) != null;
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => (used() ? wait() : setQuiet(true)), QUIET);
    };
    const alive = (event?: Event): void => {
      // A finger on the picture turns the bars on and off.
      if (event instanceof PointerEvent && event.pointerType === "touch") return;
      setQuiet(false);
      wait();
    };
    turn.current = () => {
      setQuiet((quiet) => !quiet);
      wait();
    };
    for (const sign of ["pointermove", "pointerdown", "keydown", "focusin"]) {
      addEventListener(sign, alive, { passive: true });
    }
    alive();
    return () => {
      clearTimeout(timer);
      for (const sign of ["pointermove", "pointerdown", "keydown", "focusin"]) {
        removeEventListener(sign, alive);
      }
    };
  }, []);
  return [quiet, () => turn.current()];
}

/** The space that the bars take; the picture moves over for the facts at the side. */
export function paddingOf(element: HTMLElement | null) {
  const size = (part: string): DOMRect | undefined =>
    element?.querySelector(part)?.getBoundingClientRect();
  const side = size(".side");
  const atSide = side !== undefined && side.left > 0;
  const foot = Math.max(0, innerHeight - (size(".foot")?.top ?? innerHeight));
  // The previous and next buttons cover no picture; hidden they have no width.
  const beside = size(".beside")?.width ?? 0;
  return {
    top: size(".top")?.height ?? 0,
    bottom: foot,
    left: beside,
    right: beside + (atSide ? side.width : 0),
  };
}
