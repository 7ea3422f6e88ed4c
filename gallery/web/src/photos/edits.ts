// Changes to a photo: shown at once, undone if the gallery refuses.

import { changePhoto, deletePhoto, Refusal, restorePhoto, type Changes } from "../net/api";
import { words } from "../words/language";
import type { Photo } from "./photo";
import { hear } from "./album/current-album";
import { complain, show, toast } from "../page/notices/toast";

export async function change(photo: Photo, changes: Changes): Promise<void> {
  hear({ event: "changed", photo: { ...photo, ...changes } });
  try {
    hear({ event: "changed", photo: await changePhoto(photo.id, changes) });
  } catch (error) {
    hear({ event: "changed", photo });
    refused(words.value.notChanged, error);
  }
}

/** Deletes it and offers to undo that; calls `back` with the restored photo. */
export async function remove(photo: Photo, back: (photo: Photo) => void): Promise<void> {
  hear({ event: "deleted", id: photo.id });
  const gone = deletePhoto(photo.id);
  const undo = (): void => void restore(photo, gone, back);
  const offer = { text: words.value.photoDeleted, undo };
  show(offer);
  try {
    await gone;
  } catch (error) {
    // Somebody else deleted the same photo first.
    if (error instanceof Refusal && (error.status === 404 || error.status === 410)) return;
    if (toast.value === offer) toast.value = null;
    hear({ event: "stored", photo });
    refused(words.value.notDeleted, error);
  }
}

async function restore(
  photo: Photo,
  gone: Promise<void>,
  back: (photo: Photo) => void,
): Promise<void> {
  try {
    await gone.catch(() => {});
    const restored = await restorePhoto(photo.id);
    hear({ event: "stored", photo: restored });
    back(restored);
  } catch (error) {
    refused(words.value.notRestored, error);
  }
}

function refused(headline: string, error: unknown): void {
  const said = error instanceof Refusal ? error.message : "";
  complain(headline, said || words.value.noAnswer);
}
