// The caption of a photo: click to write, folded if it is long; and the photo's author.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { may } from "../../net/me";
import { momentName } from "../../words/dates";
import { words } from "../../words/language";
import { change } from "../edits";
import { named } from "../camera-name";
import type { Photo } from "../photo";

const CAPTION = 500;

export function Caption({ photo: stored }: { photo: Photo }) {
  const photo = named(stored);
  const [writing, setWriting] = useState(false);
  const { viewer } = words.value;
  const who = photo.person?.name ?? photo.camera_name ?? photo.camera ?? photo.name;
  const when = momentName(photo.taken, Date.now(), words.value);
  const save = (text: string): void => {
    setWriting(false);
    const caption = text.trim().replace(/\s+/g, " ").slice(0, CAPTION);
    if (caption !== (photo.caption ?? "")) void change(photo, { caption });
  };
  const write = (): void => setWriting(true);
  return (
    <>
      {writing ? (
        <Write text={photo.caption ?? ""} save={save} />
      ) : photo.caption ? (
        <Written caption={photo.caption} write={may("edit") ? write : null} />
      ) : (
        may("edit") && (
          <button class="caption empty" onClick={write}>
            {viewer.write}
          </button>
        )
      )}
      <span class="by">{who ? `${who}, ${when}` : when}</span>
    </>
  );
}

/** Without `write` it is only read. */
function Written({ caption, write }: { caption: string; write: (() => void) | null }) {
  const text = useRef<HTMLSpanElement>(null);
  const [folds, setFolds] = useState(false);
  const [whole, setWhole] = useState(false);
  useLayoutEffect(() => {
    const measure = (): void => {
      const { scrollHeight, clientHeight } = text.current!;
      // Unfolded, it has its full height.
      if (!whole) setFolds(scrollHeight > clientHeight + 1);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(text.current!);
    return () => observer.disconnect();
  }, [caption, whole]);
  const { viewer } = words.value;
  const said = (
    <span ref={text} class={whole ? undefined : "folded"}>
      {caption}
    </span>
  );
  return (
    <>
      {write ? (
        <button class="caption" aria-label={`${viewer.caption}: ${caption}`} onClick={write}>
          {said}
        </button>
      ) : (
        <p class="caption">{said}</p>
      )}
      {folds && (
        <button class="word" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? viewer.less : viewer.more}
        </button>
      )}
    </>
  );
}

interface WriteProps {
  text: string;
  save: (text: string) => void;
}

function Write({ text, save }: WriteProps) {
  const field = useRef<HTMLInputElement>(null);
  // Focus at once, so that typing goes into it: an effect would come after the next frame.
  useLayoutEffect(() => {
    field.current!.focus();
    field.current!.select();
  }, []);
  return (
    <input
      ref={field}
      class="caption"
      aria-label={words.value.viewer.caption}
      defaultValue={text}
      maxLength={CAPTION}
      onBlur={(event) => save(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== "Escape") return;
        event.stopPropagation();
        // Losing the focus saves, so Esc first restores the text.
        if (event.key === "Escape") event.currentTarget.value = text;
        event.currentTarget.closest<HTMLElement>(".viewer")?.focus({ preventScroll: true });
      }}
    />
  );
}
