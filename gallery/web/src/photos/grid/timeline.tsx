// Where in time the view is: months at the right edge of wide screens, and on a phone a thumb that
// tells the month while it is dragged.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { movedByHand } from "../../page/moved-by-hand";
import { monthMark, monthName } from "../../words/dates";
import { words } from "../../words/language";
import { fit, hasYear, markOf, monthsOf } from "./months";
import type { Day } from "../photo";

interface Props {
  days: readonly Day[];
  /** The day at the head of the view. */
  current: string;
  go: (day: string) => void;
}

export function Months({ days, current, go }: Props) {
  const element = useRef<HTMLElement>(null);
  const [room, setRoom] = useState(0);
  useLayoutEffect(() => {
    const measure = (): void => {
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      setRoom(Math.floor(element.current!.clientHeight / (2.75 * rem)));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  const marks = useMemo(() => fit(monthsOf(days), room), [days, room]);
  const now = markOf(marks, current);
  return (
    <nav ref={element} class="months" aria-label={words.value.months}>
      {marks.length > 1 &&
        marks.map((mark, i) => (
          <button
            key={mark.key}
            aria-current={mark === now ? "true" : undefined}
            onClick={() => go(mark.day.day)}
          >
            {mark.key.length === 4 ? mark.key : monthMark(mark.day.start, words.value)}
            {mark.key.length > 4 && hasYear(marks, i) ? ` ${mark.key.slice(0, 4)}` : ""}
          </button>
        ))}
    </nav>
  );
}

/** The thumb stays for so long after the view has moved. */
const STAYS = 1_500;

interface ThumbProps {
  days: readonly Day[];
  current: string;
  /** How far down the view is, 0 to 1. */
  at: number;
  drag: (to: number) => void;
}

export function Thumb({ days, current, at, drag }: ThumbProps) {
  const [held, setHeld] = useState(false);
  const [moving, setMoving] = useState(false);
  const still = useRef(true);
  useEffect(() => {
    // The starting position of the view is no movement.
    if (still.current) {
      still.current = false;
      return;
    }
    setMoving(true);
    const timer = setTimeout(() => setMoving(false), STAYS);
    return () => clearTimeout(timer);
  }, [at]);
  const track = useRef<HTMLDivElement>(null);
  const thumb = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => movedByHand(thumb.current!), []);
  const day = days.find(({ day }) => day === current);
  const move = (event: PointerEvent): void => {
    const { top, height } = track.current!.getBoundingClientRect();
    drag(Math.min(1, Math.max(0, (event.clientY - top) / height)));
  };
  return (
    <div ref={track} class={`track${held || moving ? " moving" : ""}`} aria-hidden="true">
      <div
        ref={thumb}
        class="thumb"
        style={{ top: `${at * 100}%` }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setHeld(true);
        }}
        onPointerMove={(event) => held && move(event)}
        onLostPointerCapture={() => setHeld(false)}
      >
        {held && day && <span>{monthName(day.start, words.value)}</span>}
      </div>
    </div>
  );
}
