// The phrase of the sentence that takes a word, and what has that word.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { findWord, type Found } from "../../net/api";
import { choosePhotos, filter } from "../../page/route";
import { words } from "../../words/language";
import { WORD, type Filter } from "./filter";

/** After the last letter for so long it is looked for. */
const PAUSE = 250;

interface Writing {
  text: string;
  /** What was chosen before. */
  before: Filter;
  /** What has the text; null before that is known. */
  found: readonly Found[] | null;
  /** The one of them that the arrows are at; -1 for none. */
  at: number;
}

/** Null while nothing is written. */
const writing = signal<Writing | null>(null);

let timer: ReturnType<typeof setTimeout> | undefined;
let asking: AbortController | null = null;

function begin(): void {
  const before = filter.peek();
  writing.value = { text: before.word ?? "", before, found: null, at: -1 };
  if (before.word) void ask();
}

function end(): void {
  clearTimeout(timer);
  asking?.abort();
  writing.value = null;
}

/** Puts the phrase in place of the field, and the focus there. */
function leave(root: HTMLElement | null): void {
  end();
  requestAnimationFrame(() => root?.querySelector("button")?.focus());
}

/** The word that is written, as the sentence then has it. */
function chosen({ text, before }: Writing): Filter {
  const { word: _, ...others } = before;
  const word = text.trim().replace(/\s+/g, " ");
  return word ? { ...others, word } : others;
}

function write(text: string): void {
  const now = writing.peek();
  if (!now) return;
  writing.value = { ...now, text, at: -1 };
  clearTimeout(timer);
  timer = setTimeout(() => void look(), PAUSE);
}

/** Shows the photos with the word that is written. The first one is a step in the history. */
function look(): void {
  const now = writing.peek();
  if (!now) return;
  clearTimeout(timer);
  const wanted = chosen(now);
  if (wanted.word !== filter.peek().word)
    choosePhotos(wanted, filter.peek().word !== now.before.word);
  void ask();
}

async function ask(): Promise<void> {
  const now = writing.peek();
  if (!now) return;
  asking?.abort();
  const mine = (asking = new AbortController());
  const wanted = chosen(now);
  const take = (found: readonly Found[] | null): void => {
    if (!mine.signal.aborted && writing.peek())
      writing.value = { ...writing.peek()!, found, at: -1 };
  };
  if (!wanted.word) return take(null);
  try {
    take(await findWord(wanted, mine.signal));
  } catch {
    // The room itself says that the gallery is away.
    take(null);
  }
}

/** Shows the photos of what was found. */
function choose({ kind, value }: Found): void {
  const now = writing.peek();
  if (!now) return;
  const { word: _, ...others } = now.before;
  const wanted: Filter = {
    ...others,
    ...(kind === "caption" && { word: value }),
    ...(kind === "camera" && { camera: value }),
    ...(kind === "person" && { person: value }),
  };
  choosePhotos(wanted, filter.peek().word !== now.before.word);
}

export function WordPhrase() {
  const root = useRef<HTMLSpanElement>(null);
  const now = writing.value;
  const { sentence } = words.value;
  // Who leaves the room writes no more.
  useEffect(() => end, []);
  return (
    <span ref={root} class="phrase">
      {now ? (
        <Field now={now} leave={() => leave(root.current)} />
      ) : (
        <button onClick={begin}>{filter.value.word ?? sentence.anyWord}</button>
      )}
    </span>
  );
}

function Field({ now, leave }: { now: Writing; leave: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    field.current!.focus({ preventScroll: true });
    field.current!.select();
  }, []);
  const { sentence } = words.value;
  const found = now.found ?? [];
  const step = (by: 1 | -1): void => {
    const at = Math.min(found.length - 1, Math.max(-1, now.at + by));
    writing.value = { ...now, at };
  };
  const key = (event: KeyboardEvent): void => {
    const at = found[now.at];
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Enter") {
      if (at) choose(at);
      else look();
      leave();
    } else if (event.key === "Escape") {
      if (filter.peek().word !== now.before.word) choosePhotos(now.before, true);
      leave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <span class="typed" data-text={now.text}>
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-label={sentence.lists.word}
        aria-expanded={found.length > 0}
        aria-controls="found"
        aria-autocomplete="list"
        aria-activedescendant={found[now.at] ? `found-${now.at}` : undefined}
        autocomplete="off"
        autocapitalize="none"
        enterkeyhint="search"
        spellcheck={false}
        maxLength={WORD}
        size={1}
        value={now.text}
        onInput={({ currentTarget }) => write(currentTarget.value)}
        onKeyDown={key}
        onBlur={({ relatedTarget }) => {
          if ((relatedTarget as Element | null)?.closest(".found")) return;
          look();
          end();
        }}
      />
    </span>
  );
}

/** Captions, cameras and people that have the word, each with its photos. */
export function FoundList() {
  const found = writing.value?.found ?? [];
  const at = writing.value?.at ?? -1;
  useEffect(() => {
    document.querySelector(".found [aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at]);
  if (found.length === 0) return null;
  const { sentence, figures } = words.value;
  const numbers = new Intl.NumberFormat(figures);
  return (
    <div class="found">
      <ul id="found" role="listbox" aria-label={sentence.lists.word}>
        {found.map((one, i) => (
          <li
            key={`${one.kind} ${one.value}`}
            id={`found-${i}`}
            role="option"
            aria-selected={i === at}
            // The field keeps the focus until it is gone.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => {
              choose(one);
              end();
            }}
          >
            <span class="k">{sentence.kinds[one.kind]}</span>
            <span>
              {one.parts.map((part, n) => (n % 2 === 1 ? <mark key={n}>{part}</mark> : part))}
            </span>
            <span class="v">{numbers.format(one.count)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
