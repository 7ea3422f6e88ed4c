// The viewer's keys.

import { useLayoutEffect, useRef } from "preact/hooks";
import { permit } from "../../door/permit";
import { answerKeys } from "../../page/keys/keys";
import { closeViewer, viewed } from "../../page/route";
import { change } from "../edits";
import type { Photo } from "../photo";
import type { Slides } from "./slides";
import { copyLink, removeViewed } from "./viewer-acts";

export function useKeys(
  slides: { current: Slides | null },
  photo: Photo | null,
  turnFacts: () => void,
  element: { current: HTMLElement | null },
): void {
  const now = useRef({ photo, turnFacts });
  now.current = { photo, turnFacts };
  useLayoutEffect(
    () =>
      answerKeys((key) => {
        const { photo, turnFacts } = now.current;
        if (viewed.value === null) return false;
        if (key === "Escape") closeViewer();
        else if (key === "ArrowLeft") slides.current?.step(-1);
        else if (key === "ArrowRight") slides.current?.step(1);
        else if (key === "+" || key === "=") slides.current?.zoom(1);
        else if (key === "-") slides.current?.zoom(-1);
        else if (key === "0") slides.current?.zoom(0);
        else if (key === "i") turnFacts();
        else if (!photo) return false;
        else if (key === "d") element.current?.querySelector<HTMLElement>("a[download]")?.click();
        else if (key === "l") void copyLink(photo);
        else if (key === "p") permit("edit") && void change(photo, { pinned: !photo.pinned });
        else if (key === "Delete") permit("delete") && void removeViewed(photo);
        else return false;
        return true;
      }),
    [],
  );
}
