// The bar at the foot: how many photos are chosen, and what can be done with them.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { permit } from "../../door/permit";
import { may, type Right } from "../../net/me";
import { Icon, type IconName } from "../../page/icon";
import { answerKeys } from "../../page/keys/keys";
import { filter } from "../../page/route";
import { words } from "../../words/language";
import { changeAll, many, removeAll } from "../edit-many";
import type { Photo } from "../photo";
import { playPhotos } from "../slideshow/slideshow";
import { download } from "../zip/zip";
import { endPicking, picked } from "./selection";

const CAPTION = 500;

/** While photos are chosen. */
export function PickBar() {
  return picked.value ? <Bar photos={[...picked.value.values()]} /> : null;
}

function Bar({ photos }: { photos: Photo[] }) {
  const [writing, setWriting] = useState(false);
  const { select, slides, viewer, zip } = words.value;
  const none = photos.length === 0;
  const pinned = !none && photos.every((photo) => photo.pinned);

  /** What is done with them ends the choosing. */
  const act = (right: Right, what: (photos: Photo[]) => Promise<void>) => (): void => {
    if (none || !permit(right)) return;
    endPicking();
    void what(photos);
  };
  const acts = {
    pin: act("edit", (photos) =>
      changeAll(
        photos,
        { pinned: !pinned },
        pinned ? many(select.unpinned, photos.length) : many(select.pinned, photos.length),
      ),
    ),
    remove: act("delete", removeAll),
    zip: act("look", async (photos) => download(photos)),
    play: (): void => void (none || playPhotos(photos, filter.peek())),
    caption: (): void => void (none || (permit("edit") && setWriting(true))),
  };
  const now = useRef(acts);
  now.current = acts;
  useLayoutEffect(
    () =>
      answerKeys((key) => {
        if (key === "Escape") endPicking();
        else if (key === "Delete") now.current.remove();
        else if (key === "p") now.current.pin();
        else if (key === "c") now.current.caption();
        else if (key === "d") now.current.zip();
        else return false;
        return true;
      }),
    [],
  );
  const save = (text: string): void => {
    const caption = text.trim().replace(/\s+/g, " ").slice(0, CAPTION);
    act("edit", (photos) =>
      changeAll(
        photos,
        { caption },
        caption ? many(select.captioned, photos.length) : many(select.uncaptioned, photos.length),
      ),
    )();
  };
  return (
    <div class="floor" role="toolbar" aria-label={select.title}>
      <b role="status">{none ? select.none : many(select.count, photos.length)}</b>
      {writing ? (
        <WriteCaption photos={photos} save={save} leave={() => setWriting(false)} />
      ) : (
        <>
          <Act icon="play" press={acts.play} off={none}>
            {slides.title}
          </Act>
          <Act icon="down" press={acts.zip} off={none}>
            {zip.download}
          </Act>
          {may("edit") && (
            <Act icon="pin" press={acts.pin} off={none}>
              {pinned ? select.unpin : select.pin}
            </Act>
          )}
          {may("edit") && (
            <Act icon="write" press={acts.caption} off={none}>
              {viewer.caption}
            </Act>
          )}
          {may("delete") && (
            <Act icon="bin" press={acts.remove} off={none} bad>
              {select.remove}
            </Act>
          )}
        </>
      )}
      <button class="word" onClick={endPicking}>
        {select.cancel}
      </button>
    </div>
  );
}

interface ActProps {
  icon: IconName;
  children: string;
  press: () => void;
  off: boolean;
  bad?: boolean;
}

function Act({ icon, children, press, off, bad = false }: ActProps) {
  return (
    <button class={bad ? "word bad" : "word"} aria-disabled={off} onClick={press}>
      <Icon name={icon} />
      {children}
    </button>
  );
}

interface WriteProps {
  photos: Photo[];
  save: (text: string) => void;
  leave: () => void;
}

function WriteCaption({ photos, save, leave }: WriteProps) {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current!.select(), []);
  const { select } = words.value;
  const first = photos[0]?.caption ?? "";
  const same = photos.every(({ caption = "" }) => caption === first);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save(field.current!.value);
      }}
    >
      <input
        ref={field}
        aria-label={many(select.write, photos.length)}
        placeholder={many(select.write, photos.length)}
        defaultValue={same ? first : ""}
        maxLength={CAPTION}
        autocomplete="off"
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          leave();
        }}
      />
      <button class="pill">{select.keep}</button>
    </form>
  );
}
