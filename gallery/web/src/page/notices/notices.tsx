// What the page says about itself: the connection, and the gallery's notices.

import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { tellAll } from "./announce";
import { link, notices, tryNow } from "../../net/gallery";
import { Icon } from "../icon";
import { may } from "../../net/me";
import type { Notice } from "../../net/messages";
import { words } from "../../words/language";
import { Round } from "../round-button";
import { tick } from "../tick";
import { DoneToast, toast, trouble } from "./toast";
import type { Words } from "../../words/words";

/** A lost connection gets a line after this time; its return is shown for as long. */
const PATIENCE = 2_000;

/** Of the line, which has patience. */
export const connection = signal<"well" | "lost" | "again">("well");

effect(() => {
  const now = link.value;
  const before = connection.peek();
  // At the door there is none.
  if (!may("look")) connection.value = "well";
  else if (!now.open && tick.value - now.since >= PATIENCE && before !== "lost") {
    connection.value = "lost";
    tellAll(words.peek().lostLine.replace(/\.$/, ""));
  } else if (now.open && before === "lost") {
    connection.value = "again";
    tellAll(words.peek().again);
    setTimeout(() => connection.value === "again" && (connection.value = "well"), PATIENCE);
  }
});

export function ConnectionLine() {
  if (connection.value === "well") return null;
  const { connection: name, lostLine, tryingIn, trying, tryNow: now, again } = words.value;
  if (connection.value === "again") {
    return (
      <section class="lost-line again" aria-label={name}>
        <i class="lamp" />
        <span>{again}</span>
      </section>
    );
  }
  const next = link.value.open ? null : link.value.next;
  const left = next === null ? 0 : Math.ceil((next - tick.value) / 1_000);
  return (
    <section class="lost-line" aria-label={name}>
      <i class="lamp stale" />
      <span>
        {lostLine} {left > 0 ? tryingIn(left) : trying}
      </span>
      <button onClick={tryNow}>{now}</button>
    </section>
  );
}

/** Closed notices, until they end. */
const closed = signal<ReadonlySet<string>>(new Set());

effect(() => {
  const here = new Set(notices.value.map(({ code }) => code));
  const still = [...closed.peek()].filter((code) => here.has(code));
  if (still.length < closed.peek().size) closed.value = new Set(still);
});

/** Notices that appear where they matter: in the bar, and beside this device's camera. */
const QUIET: ReadonlySet<string> = new Set(["open", "https"]);

/** What was done, and below it what needs attention: one of each, the newest. */
export function Toasts() {
  const notice = notices.value
    .filter(({ code }) => !QUIET.has(code) && !closed.value.has(code))
    .at(-1);
  if (!toast.value && !trouble.value && !notice) return null;
  return (
    <section class="toasts" aria-label={words.value.notices}>
      <DoneToast />
      <TroubleToast notice={notice} />
    </section>
  );
}

/** The newest failure here, else the newest notice. */
function TroubleToast({ notice }: { notice: Notice | undefined }) {
  const own = trouble.value;
  const shown = own ?? (notice && told(notice.code, notice.text, words.value));
  const headline = shown?.headline;
  useEffect(() => {
    if (headline) tellAll(headline);
  }, [headline]);
  if (!shown) return null;
  const close = (): void => {
    if (own) trouble.value = null;
    else if (notice) closed.value = new Set([...closed.value, notice.code]);
  };
  return (
    <div class="toast bad">
      <Icon name="warn" />
      <span>
        {shown.headline}
        {shown.line && <small>{shown.line}</small>}
      </span>
      <Round label={words.value.close} icon="close" press={close} />
    </div>
  );
}

/** A notice in the reader's language; one of a later version in its own words. */
function told(code: string, text: string, words: Words): { headline: string; line: string } {
  switch (code) {
    case "broker-lost":
      return { headline: words.brokerLost, line: words.brokerLostHelp };
    case "disk-full":
      return { headline: words.diskFull, line: words.diskFullHelp };
    case "no-snapshots":
      return { headline: words.noSnapshots, line: text };
    case "view-only":
      return { headline: words.viewOnly, line: words.viewOnlyHelp };
    default:
      return { headline: text, line: "" };
  }
}
