// The photo that was just taken here: it flies from the preview to its place beside the shutter, at
// part of its light until the gallery has stored it, and leads to it then.

import { effect, signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { words } from "../words/language";
import { view } from "../page/route";
import { fateOf } from "../photos/uploads/uploads";

interface Taken {
  file: File;
  /** Of the picture, in this browser. */
  url: string;
  /** Where the preview is, from which it comes. */
  from: DOMRect | null;
  /** As which photo it was stored; null before, and if it was not. */
  id: string | null;
  failed: boolean;
}

const taken = signal<Taken | null>(null);

/** Shows a photo that was taken from the preview at this place. */
export function showTaken(file: File, from: DOMRect | null): void {
  const before = taken.peek();
  if (before) URL.revokeObjectURL(before.url);
  taken.value = { file, url: URL.createObjectURL(file), from, id: null, failed: false };
}

// What became of it is forgotten elsewhere after a while.
effect(() => {
  const known = taken.value;
  const fate = known && known.id === null ? fateOf(known.file) : null;
  if (!known || !fate) return;
  const failed = fate.is === "failed";
  if (fate.is === "stored") taken.value = { ...known, id: fate.id, failed: false };
  else if (failed !== known.failed) taken.value = { ...known, failed };
});

const AFTER = 80;
const SLOW = 480;

export function LastTaken() {
  const image = useRef<HTMLImageElement>(null);
  const shown = taken.value;
  const url = shown?.url;
  useLayoutEffect(() => {
    const from = taken.peek()?.from;
    if (!from || !image.current) return;
    // Once: it does not fly again when one comes back to this room.
    taken.value = { ...taken.peek()!, from: null };
    void land(image.current, from);
  }, [url]);
  if (!shown) return null;
  const { own } = words.value;
  const { id, failed } = shown;
  const picture = <img ref={image} src={url} alt="" class={id === null ? "coming" : undefined} />;
  // What failed is told, with what to do, in the panel of uploads.
  const label = id !== null ? own.taken : failed ? own.notTaken : own.takenComing;
  return id !== null ? (
    <a
      class="taken"
      href={`#/photo/${id}`}
      aria-label={label}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        view(id);
      }}
    >
      {picture}
    </a>
  ) : (
    <span class="taken" role="img" aria-label={label}>
      {picture}
    </span>
  );
}

async function land(image: HTMLImageElement, from: DOMRect): Promise<void> {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  // Its place is as wide as the picture is, which is known when it is decoded.
  await image.decode().catch(() => {});
  const to = image.getBoundingClientRect();
  if (!to.width || !to.height) return;
  const shift = `translate(${from.left - to.left}px,${from.top - to.top}px)`;
  const scale = `scale(${from.width / to.width},${from.height / to.height})`;
  image.animate(
    [
      { transform: `${shift} ${scale}`, transformOrigin: "0 0", zIndex: 3 },
      { transform: "none", transformOrigin: "0 0", zIndex: 3 },
    ],
    { duration: SLOW, delay: AFTER, fill: "backwards", easing: "cubic-bezier(.6,0,.2,1)" },
  );
}
