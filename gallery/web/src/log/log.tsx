// What happens in the house, newest first: nodes, cameras, photos, people and commands.

import { effect, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { listLog } from "../net/api";
import { dayName, timeName } from "../words/dates";
import { entryFacts, groupText, type Entry } from "./entry";
import { groups, type Group } from "./groups";
import { cameraNames, link, peopleListeners, say } from "../net/gallery";
import { words } from "../words/language";
import { view } from "../page/route";

/** How many lines the page keeps. */
const MOST = 2_000;

/** Newest first, with times by our clock; null before the first ones arrive. */
const entries = signal<readonly Entry[] | null>(null);

/** Whether it is on the page. */
const shown = signal(false);

/** Add this to a time of the gallery's clock to get ours. */
let ahead = 0;

peopleListeners.add((message, behind) => {
  if (message.type !== "log") return;
  ahead = behind;
  take(message.entries);
});

effect(() => {
  if (shown.value && link.value.open) say({ type: "log", follow: true });
});

function take(more: readonly Entry[]): void {
  const known = new Map((entries.peek() ?? []).map((entry) => [entry.id, entry]));
  for (const entry of more) known.set(entry.id, { ...entry, at: entry.at + ahead });
  entries.value = [...known.values()].sort((a, b) => b.id - a.id).slice(0, MOST);
}

export function Log() {
  useEffect(() => {
    shown.value = true;
    return () => {
      shown.value = false;
      say({ type: "log", follow: false });
    };
  }, []);
  const { log } = words.value;
  const all = entries.value ?? [];
  return (
    <section class="talk" aria-label={log.title}>
      <div class="log newest" role="log" aria-label={log.title} tabIndex={0}>
        {all.length > 0 ? (
          <ol role="list">
            {groups(all).map((group, i, every) => (
              <Line key={group.at(-1)!.id} group={group} after={every[i - 1]?.at(-1)} />
            ))}
          </ol>
        ) : (
          <p class="note">{entries.value && log.nothing}</p>
        )}
        <Earlier before={all.at(-1)?.id} />
      </div>
    </section>
  );
}

function Line({ group, after }: { group: Group; after: Entry | undefined }) {
  const [entry] = group;
  const { id, at } = entry;
  const now = Date.now();
  const next = new Date(after?.at ?? now).toDateString();
  const called = (what: string): string => cameraNames.value.get(what) ?? what;
  const text = groupText(group, called, words.value);
  const facts = entryFacts(entry, words.value);
  const photo = entry.event === "stored" || entry.event === "changed" ? entry.photo : null;
  return (
    <>
      {new Date(at).toDateString() !== next && (
        <li class="date">
          <p class="note">{dayName(at, now, words.value)}</p>
        </li>
      )}
      <li data-entry={id}>
        <time dateTime={new Date(at).toISOString()}>{timeName(at, words.value)}</time>
        {photo ? (
          <p>
            <a
              href={`#/photo/${photo}`}
              onClick={(click) => {
                if (click.ctrlKey || click.metaKey || click.shiftKey) return;
                click.preventDefault();
                view(photo);
              }}
            >
              <u>{text}</u>
            </a>
          </p>
        ) : (
          <p>
            {entry.event === "denied" && (
              <i class="lamp error" role="img" aria-label={words.value.log.refusal} />
            )}
            {text}
          </p>
        )}
        {facts && <p class="note">{facts}</p>}
      </li>
    </>
  );
}

/** Loads what happened before the oldest line, if there is more. */
function Earlier({ before }: { before: number | undefined }) {
  const [state, setState] = useState<"more" | "asked" | "all">("more");
  if (before === undefined || before <= 1 || state === "all") return null;
  const ask = (): void => {
    setState("asked");
    listLog(before).then(
      (older) => {
        take(older);
        setState(older.length > 0 && (entries.peek()?.length ?? 0) < MOST ? "more" : "all");
      },
      () => setState("more"),
    );
  };
  return (
    <button class="word earlier" disabled={state === "asked"} onClick={ask}>
      {words.value.log.earlier}
    </button>
  );
}
