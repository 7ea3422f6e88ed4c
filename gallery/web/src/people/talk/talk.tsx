// The talk: a log book, and the field to write into it.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { dayName, timeName } from "../../words/dates";
import { isSilent, lines, outbox, speak, talk as told } from "../conversation";
import { Icon } from "../../page/icon";
import { may } from "../../net/me";
import { words } from "../../words/language";
import { follows, isAtEnd, unread, type Told } from "./lines";
import { link, notices } from "../../net/gallery";
import { me, named } from "../identity";
import { withMention } from "./mention";
import { Mentions, Text } from "./mentioned";
import { MOST } from "./outbox";
import type { Word } from "./shelf";
import type { Line } from "../wire";
import { Picks } from "./mention-picker";
import { tick } from "../../page/tick";

/** The draft; it survives a visit to another room. */
export const draft = signal("");

/** The gallery takes no longer message, in characters. */
const LONGEST = 2_000;

/** How long your own message looks sent, because it mostly is. */
const SOON = 1_000;

/** Too many messages wait to accept another one. */
const full = signal(false);

/** `empty` stands in its place while nobody has said anything. */
export function Talk({ empty }: { empty?: ComponentChildren }) {
  const isEmpty = Boolean(empty) && isSilent.value;
  const { log, read, toEnd } = useFollowing(isEmpty);
  const { talk } = words.value;
  const all = told.value;
  const fresh = unread(all, read);
  return (
    <section class="talk" aria-labelledby="talk">
      <h2 id="talk" class="sr">
        {talk.title}
      </h2>
      <div ref={log} class="log" role="log" aria-labelledby="talk" tabIndex={0}>
        {isEmpty ? (
          empty
        ) : all.length > 0 ? (
          <ol role="list">
            {all.map((line, i) => (
              <Entry key={line.id} line={line} before={all[i - 1]} />
            ))}
          </ol>
        ) : (
          <p class="note">{lines.value && talk.nothing}</p>
        )}
      </div>
      {may("talk") && <Say fresh={fresh} toEnd={toEnd} />}
    </section>
  );
}

/**
 * Follows the newest line while the view is at the end; otherwise counts unread lines. What stands
 * in their place is read from its beginning.
 */
function useFollowing(isEmpty: boolean) {
  const log = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const top = useRef(0);
  const [read, setRead] = useState<string | null>(null);
  const all = told.value;
  const last = all.at(-1)?.id ?? null;
  const empty = useRef(isEmpty);
  empty.current = isEmpty;
  const toEnd = (): void => {
    const at = log.current!;
    if (!empty.current) at.scrollTop = at.scrollHeight;
    top.current = at.scrollTop;
    // Also follows what arrives before the browser has reported the scrolling.
    following.current = true;
  };
  const newest = useRef(last);
  newest.current = last;

  useEffect(() => {
    const inner = log.current!;
    const look = (): void => {
      following.current = follows(following.current, top.current, inner);
      top.current = inner.scrollTop;
      if (isAtEnd(inner)) setRead(newest.current);
    };
    // Growing content, such as a picture that has loaded, moves the end.
    const grown = new ResizeObserver(() => (following.current ? toEnd() : look()));
    grown.observe(inner);
    const lines = new MutationObserver(() => {
      if (inner.firstElementChild) grown.observe(inner.firstElementChild);
    });
    lines.observe(inner, { childList: true });
    if (inner.firstElementChild) grown.observe(inner.firstElementChild);
    inner.addEventListener("scroll", look, { passive: true });
    return () => {
      grown.disconnect();
      lines.disconnect();
      inner.removeEventListener("scroll", look);
    };
  }, []);
  // Whoever scrolled in what stood there did not scroll among the lines.
  useLayoutEffect(() => {
    following.current = true;
  }, [isEmpty]);
  useLayoutEffect(() => {
    if (!following.current) return;
    toEnd();
    setRead(last);
  }, [last, isEmpty]);
  const started = read ?? last;
  return { log, read: started, toEnd };
}

function Entry({ line, before }: { line: Told; before: Line | undefined }) {
  const { word } = line;
  const day = new Date(line.at).toDateString();
  const now = Date.now();
  const previous = new Date(before?.at ?? now).toDateString();
  return (
    <>
      {day !== previous && (
        <li class="date">
          <p class="note">{dayName(line.at, now, words.value)}</p>
        </li>
      )}
      <li data-line={line.id} class={word && (word.never ? "fail" : "wait")}>
        <time dateTime={new Date(line.at).toISOString()}>{timeName(line.at, words.value)}</time>
        {line.what === "said" ? (
          <div>
            <b>
              {line.person.name}
              {line.person.id === me.value?.id && <small> {words.value.talk.mine}</small>}
            </b>
            <Text text={line.text} />
            <Mentions text={line.text} />
            {word && <NotSaid word={word} />}
          </div>
        ) : (
          <p class="note">{noteOf(line)}</p>
        )}
      </li>
    </>
  );
}

/** The state of a message that was not sent yet, or never will be, and what helps. */
function NotSaid({ word }: { word: Word }) {
  const { talk } = words.value;
  if (word.never) {
    const why = word.never === "left" ? talk.youLeft : word.never.said;
    return (
      <p class="state">
        <i class="lamp lost" />
        {talk.notSaid(why)}
        <span>
          <button class="act" onClick={() => toField(word.id)}>
            {talk.toField}
          </button>
        </span>
      </p>
    );
  }
  const isLinked = link.value.open;
  if (isLinked && tick.value - word.at < SOON) return null;
  const noBroker = notices.value.some(({ code }) => code === "broker-lost");
  return (
    <p class="state">
      <i class="lamp stale" />
      {isLinked ? (noBroker ? talk.waitsForBroker : talk.waits) : talk.waitsForLink}
    </p>
  );
}

/** Returns a failed message to the field. */
function toField(id: string): void {
  const text = outbox.take(id);
  if (text === null) return;
  const before = draft.peek().trimEnd();
  draft.value = before === "" ? text : `${before}\n${text}`;
  document.querySelector<HTMLElement>(".say textarea")?.focus();
}

function noteOf(line: Exclude<Line, { what: "said" }>): string {
  const { talk } = words.value;
  const { name } = line.person;
  switch (line.what) {
    case "joined":
      return talk.joined(name);
    case "left":
      return line.lost ? talk.leftLost(name) : talk.left(name);
    case "renamed":
      return talk.renamed(line.before, name);
  }
}

function Say({ fresh, toEnd }: { fresh: number; toEnd: () => void }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [picking, setPicking] = useState(false);
  const { talk } = words.value;
  const length = [...draft.value].length;
  const send = (): void => {
    const text = draft.peek().trim();
    if (text === "" || [...text].length > LONGEST) return;
    named(() => {
      full.value = !speak(text);
      if (full.peek()) return;
      draft.value = "";
      toEnd();
      field.current?.focus();
    });
  };
  useGrowing(field, draft.value);
  return (
    <form
      class="say"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {fresh > 0 && (
        <button type="button" class="pill unread" onClick={toEnd}>
          {talk.unread(fresh)}
        </button>
      )}
      <Held tooLong={length > LONGEST} />
      <button
        type="button"
        class="round"
        aria-label={talk.mention}
        aria-expanded={picking}
        onClick={() => setPicking(!picking)}
      >
        <Icon name="add" />
      </button>
      {picking && (
        <Picks
          close={() => setPicking(false)}
          pick={(mention) => {
            draft.value = withMention(draft.peek(), mention);
            setPicking(false);
            field.current!.focus();
          }}
        />
      )}
      <textarea
        ref={field}
        rows={1}
        aria-label={talk.field}
        placeholder={talk.hint}
        value={draft.value}
        onInput={(event) => (draft.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter also ends the writing of a word in some scripts.
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <button class="round" aria-label={talk.send}>
        <Icon name="send" />
      </button>
    </form>
  );
}

/** A message that cannot go now, and for how long. */
function Held({ tooLong }: { tooLong: boolean }) {
  const { talk } = words.value;
  const noBroker = notices.value.some(({ code }) => code === "broker-lost");
  const until = noBroker ? null : outbox.until.value;
  const isFull = full.value && outbox.isFull;
  const told = tooLong
    ? talk.tooLong
    : isFull
      ? talk.full(MOST)
      : until !== null && talk.held(Math.max(1, Math.ceil((until - tick.value) / 1_000)));
  // Screen readers hear only that it is held, not each second.
  return (
    <>
      {told && (
        <p class="held" aria-hidden="true">
          {told}
        </p>
      )}
      <span class="sr" role="status">
        {useFirst(told, tooLong || isFull || until)}
      </span>
    </>
  );
}

/** The first text about this. */
function useFirst(told: string | false, about: unknown): string | false {
  const first = useRef({ about, told });
  if (first.current.about !== about) first.current = { about, told };
  return told && first.current.told;
}

/** Sets the height for browsers that do not fit a field to its text. */
function useGrowing(field: { current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const at = field.current!;
    at.style.height = "auto";
    at.style.height = `${at.scrollHeight}px`;
  }, [text]);
}
