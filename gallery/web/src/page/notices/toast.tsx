// A toast: what was done and can be undone, for eight seconds after it is done.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { tellAll } from "./announce";
import { words } from "../../words/language";

const SHOWN = 8_000;

export interface Toast {
  text: string;
  /** Undoes it. */
  undo?: () => void;
  /** Until then it is being done. */
  until?: Promise<unknown>;
}

export interface Trouble {
  headline: string;
  line: string;
  /** What it is about, such as a photo's id. */
  about?: string;
}

/** The newest; it replaces the one before. */
export const toast = signal<Toast | null>(null);

/** A failure; it stays until it is closed. */
export const trouble = signal<Trouble | null>(null);

export function show(shown: Toast): void {
  toast.value = shown;
  tellAll(shown.text);
}

export function complain(headline: string, line: string, about = ""): void {
  trouble.value = { headline, line, about };
}

/** The failure about this is over. */
export function mend(about: string): void {
  if (trouble.value?.about === about) trouble.value = null;
}

/** Undoes what the toast reports. */
export function undo(): boolean {
  const act = toast.value?.undo;
  if (!act) return false;
  toast.value = null;
  act();
  return true;
}

export function DoneToast() {
  const shown = toast.value;
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const unfinished = useRef(false);
  const stop = (): void => clearTimeout(timer.current);
  const go = (): void => {
    stop();
    if (!unfinished.current) timer.current = setTimeout(() => (toast.value = null), SHOWN);
  };
  useEffect(() => {
    let isOther = false;
    unfinished.current = shown?.until !== undefined;
    void shown?.until?.then(() => {
      if (isOther) return;
      unfinished.current = false;
      go();
    });
    if (shown) go();
    return () => {
      isOther = true;
      stop();
    };
  }, [shown]);
  if (!shown) return null;
  return (
    <div
      class="toast done"
      onMouseEnter={stop}
      onMouseLeave={go}
      onFocusCapture={stop}
      onBlurCapture={go}
    >
      {shown.text}
      {shown.undo && <button onClick={undo}>{words.value.undo}</button>}
    </div>
  );
}
