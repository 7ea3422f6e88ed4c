// Files that are dropped or pasted anywhere on the page.

import { signal } from "@preact/signals";
import { entrance } from "../../door/entrance";
import { words } from "../../words/language";
import { add } from "./uploads";

/** How many files are dragged over the page; null if none, 0 if the browser does not say. */
const held = signal<number | null>(null);

export function followFiles(): void {
  const carries = (event: DragEvent): boolean =>
    event.dataTransfer?.types.includes("Files") ?? false;
  // Nobody brings anything through a shut door, and no file takes the place of the page.
  const bring = (files: FileList | undefined): void => {
    if (entrance.peek() !== "door") add([...(files ?? [])]);
  };
  addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    const items = [...(event.dataTransfer?.items ?? [])];
    held.value = items.filter(({ kind }) => kind === "file").length;
  });
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer!.dropEffect = "copy";
  });
  addEventListener("dragleave", (event) => {
    // Only an event that leaves the window has no related target.
    if (event.relatedTarget === null) held.value = null;
  });
  addEventListener("drop", (event) => {
    held.value = null;
    if (!carries(event)) return;
    event.preventDefault();
    bring(event.dataTransfer?.files);
  });
  addEventListener("paste", (event) => bring(event.clipboardData?.files));
}

/** While files are held over the page. */
export function Drop() {
  if (held.value === null) return null;
  return (
    <div class="drop" aria-hidden="true">
      <p>{words.value.uploads.drop(held.value)}</p>
    </div>
  );
}
