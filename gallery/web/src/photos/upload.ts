// One picture to the gallery, with what part of it has left; fetch cannot tell that.

import { Refusal, refusalText } from "../net/api";
import { authorization } from "../people/identity";
import type { Stored } from "./upload-queue";

/** When a picture was taken that no file tells of, by `performance.now()`. */
export const takenAt = new WeakMap<File, number>();

/** `name` is the same each time that it is tried again. */
export function sendPicture(
  file: File,
  name: string,
  part: (part: number) => void,
): Promise<Stored> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    const taken = takenAt.get(file);
    // An age, since this machine's clock may be wrong; before the picture that it is about.
    if (taken !== undefined) body.append("age", `${Math.round(performance.now() - taken)}`);
    // For a picture that says nothing itself.
    else body.append("modified", `${file.lastModified}`);
    body.append("image", file, file.name);
    request.upload.onprogress = ({ loaded, total }) => part(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const stored = request.status < 300 ? readStored(request.responseText) : null;
      if (stored) resolve(stored);
      else reject(new Refusal(request.status, refusalText(request.responseText)));
    };
    request.onerror = request.onabort = request.ontimeout = () => reject(new Refusal(0, ""));
    request.open("POST", new URL("upload", document.baseURI));
    const author = authorization();
    if (author) request.setRequestHeader("Authorization", author);
    request.setRequestHeader("Idempotency-Key", name);
    request.send(body);
  });
}

/** The one outcome of an upload of one picture. */
function readStored(text: string): Stored | null {
  try {
    const [outcome] = JSON.parse(text) as { id?: unknown; already?: unknown }[];
    return typeof outcome?.id === "string"
      ? { id: outcome.id, already: outcome.already === true }
      : null;
  } catch {
    return null;
  }
}
