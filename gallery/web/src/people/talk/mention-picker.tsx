// The photos and cameras that can be mentioned: the last ones, and those of the wall.

import { useLayoutEffect, useRef } from "preact/hooks";
import { fileUrl } from "../../net/api";
import { cameras } from "../../net/gallery";
import { may } from "../../net/me";
import { words } from "../../words/language";
import { named } from "../identity";
import { photoLine } from "./mentioned";
import { last } from "../../wall/snap/strip";
import { chooseFiles } from "../../photos/uploads/uploads";

interface Props {
  pick: (mention: string) => void;
  close: () => void;
}

export function Picks({ pick, close }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  const { talk } = words.value;
  useLayoutEffect(() => {
    panel.current!.querySelector("button")?.focus();
    const outside = (event: Event): void => {
      const form = panel.current!.closest("form");
      if (event.target instanceof Node && !form?.contains(event.target)) close();
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, []);
  const photos = last.value ?? [];
  const all = cameras.value ?? [];
  return (
    <div
      ref={panel}
      class="picks"
      role="group"
      aria-label={talk.mention}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
        panel.current!.closest("form")!.querySelector("textarea")!.focus();
      }}
    >
      {may("upload") && (
        <button
          type="button"
          class="word"
          onClick={() => {
            close();
            named(chooseFiles);
          }}
        >
          {talk.bring}
        </button>
      )}
      {photos.length > 0 && (
        <ul role="list" class="photos" aria-label={talk.photos}>
          {photos.map((photo) => (
            <li key={photo.id}>
              <button
                type="button"
                aria-label={photoLine(photo, words.value)}
                onClick={() => pick(`#photo/${photo.id}`)}
              >
                <img src={fileUrl(photo.id, "/thumb")} alt="" />
              </button>
            </li>
          ))}
        </ul>
      )}
      {all.length > 0 && (
        <ul role="list" aria-label={talk.cameras}>
          {all.map(({ camera, name }) => (
            <li key={camera}>
              <button type="button" class="word" onClick={() => pick(`#camera/${camera}`)}>
                {name}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
