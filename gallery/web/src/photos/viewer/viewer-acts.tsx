// Actions for the photo in the viewer.

import { fileUrl } from "../../net/api";
import { may } from "../../net/me";
import { copy } from "../../page/clipboard";
import { Icon } from "../../page/icon";
import { Round } from "../../page/round-button";
import { view, viewed } from "../../page/route";
import { show } from "../../page/notices/toast";
import { words } from "../../words/language";
import { change, remove } from "../edits";
import type { Photo } from "../photo";

export async function copyLink({ id }: Photo): Promise<void> {
  const url = new URL(`./#/photo/${id}`, document.baseURI).href;
  const { viewer } = words.value;
  if (await copy(url)) show({ text: viewer.linkCopied });
  else prompt(viewer.linkIs, url);
}

/** The next one replaces it; undoing shows it again. */
export function removeViewed(photo: Photo): Promise<void> {
  return remove(photo, ({ id }) => viewed.peek() !== null && view(id));
}

interface ActsProps {
  photo: Photo;
  facts: boolean;
  turnFacts: () => void;
}

export function Acts({ photo, facts, turnFacts }: ActsProps) {
  const { viewer } = words.value;
  const pinned = photo.pinned ?? false;
  return (
    <>
      <a class="round" href={fileUrl(photo.id, "?download")} download aria-label={viewer.download}>
        <Icon name="down" />
      </a>
      <Round label={viewer.link} icon="link" press={() => void copyLink(photo)} />
      {may("edit") && (
        <button
          class="round"
          aria-label={pinned ? viewer.unpin : viewer.pin}
          aria-pressed={pinned}
          onClick={() => void change(photo, { pinned: !pinned })}
        >
          <Icon name="pin" />
        </button>
      )}
      {may("delete") && (
        <Round label={viewer.remove} icon="bin" press={() => void removeViewed(photo)} />
      )}
      <button
        class="round"
        aria-label={viewer.facts}
        aria-expanded={facts}
        onClick={(event) => {
          event.currentTarget.focus();
          turnFacts();
        }}
      >
        <Icon name="info" />
      </button>
    </>
  );
}
