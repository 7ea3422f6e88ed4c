// A page that was open while its gallery became another version loads itself anew, so that both
// speak the same. Whoever is in the middle of something is asked instead, in one quiet line.

import { computed, effect, signal } from "@preact/signals";
import { served } from "../net/gallery";
import { tellAll } from "../page/notices/announce";
import { connection } from "../page/notices/notices";
import { Round } from "../page/round-button";
import { draft } from "../people/talk/talk";
import { film } from "../photos/film/film";
import { picked } from "../photos/select/selection";
import { slideshow } from "../photos/slideshow/slideshow";
import { underWay } from "../photos/uploads/uploads";
import { pending } from "../wall/snap/snap";
import { stream } from "../webcam/capture";
import { words } from "../words/language";

const OWN = document.querySelector<HTMLMetaElement>("meta[name=build]")?.content ?? "";

/** Where this tab keeps for which builds it has loaded itself anew. */
const TRIED = "vitrina.loaded-for";

/** The build that the gallery has instead of this one. */
const other = computed(() => (served.value === OWN ? null : served.value));

/** The build that was offered, and is refused for now. */
const later = signal<string | null>(null);

const offered = signal(false);

export function followUpgrade(): void {
  const load = (): void => {
    const build = other.peek();
    if (build === null) return;
    if (!isBusy() && isFirst(build)) location.reload();
    else offered.value = true;
  };
  effect(() => {
    if (other.value === null) offered.value = false;
    else load();
  });
  // What nobody looks at can be loaded anew later, too.
  document.addEventListener("visibilitychange", () => document.hidden && load());
}

/** Whether loading the page anew would take something from somebody. */
function isBusy(): boolean {
  const isWatched = film.value !== null || slideshow.value !== null;
  const isSending = underWay.value || pending.value.length > 0 || stream.value !== null;
  const isChoosing = picked.value !== null || document.querySelector("dialog[open]") !== null;
  const isLarge = document.fullscreenElement !== null;
  return isWatched || isSending || isChoosing || isLarge || isTyping();
}

function isTyping(): boolean {
  const at = document.activeElement;
  const writes =
    at instanceof HTMLElement && (at.isContentEditable || at.matches("input,textarea"));
  return writes || draft.value !== "";
}

/**
 * Once for each build: behind a proxy that keeps the old page, or before galleries of different
 * versions, it would never end.
 */
function isFirst(build: string): boolean {
  try {
    const tried = (sessionStorage.getItem(TRIED) ?? "").split(" ");
    if (tried.includes(build)) return false;
    sessionStorage.setItem(TRIED, [...tried, build].join(" ").trim());
    return true;
  } catch {
    // Without storage it could not know.
    return false;
  }
}

effect(() => {
  if (offered.value) tellAll(words.peek().upgrade.line);
});

/** The offer, until it is taken or refused. */
export function UpgradeLine() {
  // Both lines have the same place.
  if (connection.value !== "well") return null;
  if (!offered.value || later.value === other.value) return null;
  const { upgrade, close } = words.value;
  return (
    <section class="lost-line again upgrade" aria-label={upgrade.title}>
      <span>{upgrade.line}</span>
      <button onClick={() => location.reload()}>{upgrade.load}</button>
      <Round label={close} icon="close" press={() => (later.value = other.value)} />
    </section>
  );
}
