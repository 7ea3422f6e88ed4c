// A plain list to choose one thing from, under the phrase of a sentence that says what is chosen:
// search, arrow keys, Enter.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { words } from "../words/language";

export interface Option {
  /** Empty for all. */
  value: string;
  name: string;
  /** The count, or whatever else tells it from others. */
  more?: string;
}

interface Props {
  label: string;
  options: Option[];
  chosen: string;
  choose: (value: string) => void;
  close: () => void;
  /** Without the search. */
  plainly?: boolean;
}

/** The most entries listed; the search finds the others. */
const LISTED = 200;

/** So many are seen at once, and need no search. */
const SHORT = 8;

export function Choices(props: Props) {
  const { label, options, chosen, choose, close, plainly = false } = props;
  const root = useRef<HTMLDivElement>(null);
  const [search, setSearch] = useState("");
  const plain = fold(search);
  const found = options
    .filter(({ name, value }) => fold(name).includes(plain) || value.includes(plain))
    .slice(0, LISTED);
  const [at, setAt] = useState(() => options.findIndex(({ value }) => value === chosen));
  const here = Math.min(found.length - 1, Math.max(0, at));
  const { sentence } = words.value;

  const shut = (): void => {
    root.current?.parentElement?.querySelector("button")?.focus();
    close();
  };
  const take = (option: Option | undefined): void => {
    if (!option) return;
    shut();
    if (option.value !== chosen) choose(option.value);
  };
  useLayoutEffect(() => {
    const first =
      root.current!.querySelector<HTMLElement>("input") ?? root.current!.querySelector("ul");
    first!.focus({ preventScroll: true });
    // Moves it in if it would leave the window at the right.
    const { right } = root.current!.getBoundingClientRect();
    const over = right - document.documentElement.clientWidth + 16;
    if (over > 0) root.current!.style.left = `${-over}px`;
    const outside = (event: Event): void => {
      if (!root.current?.parentElement?.contains(event.target as Node)) close();
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, []);
  useEffect(() => {
    root.current!.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [here, search]);

  const key = (event: KeyboardEvent): void => {
    const last = found.length - 1;
    if (event.key === "ArrowDown") setAt(Math.min(last, here + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, here - 1));
    else if (event.key === "PageDown") setAt(Math.min(last, here + 8));
    else if (event.key === "PageUp") setAt(Math.max(0, here - 8));
    else if (event.key === "Enter" || (event.key === " " && plainly)) take(found[here]);
    else if (event.key === "Escape") shut();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const focusOut = (event: FocusEvent): void => {
    const to = event.relatedTarget as Node | null;
    // A press on a choice moves the focus to the room around the list, before the click comes.
    if (to && !root.current?.contains(to) && !to.contains(root.current)) close();
  };
  return (
    <div ref={root} class="choices" onKeyDown={key} onFocusOut={focusOut}>
      {!plainly && (
        <input
          type="search"
          role="combobox"
          aria-label={label}
          aria-expanded="true"
          aria-controls="choices"
          aria-activedescendant={found[here] ? `choice-${here}` : undefined}
          placeholder={sentence.search}
          autocomplete="off"
          value={search}
          onInput={(event) => {
            setSearch(event.currentTarget.value);
            setAt(0);
          }}
        />
      )}
      <ul
        id="choices"
        role="listbox"
        aria-label={label}
        {...(plainly && { tabIndex: 0, "aria-activedescendant": `choice-${here}` })}
      >
        {found.map((option, i) => (
          <li
            key={option.value}
            id={`choice-${i}`}
            role="option"
            aria-selected={i === here}
            class={option.value === chosen ? "chosen" : undefined}
            onPointerMove={() => i !== here && setAt(i)}
            onClick={() => take(option)}
          >
            {option.name}
            {option.more && <small>{option.more}</small>}
          </li>
        ))}
        {found.length === 0 && <li class="none">{sentence.nothing}</li>}
      </ul>
    </div>
  );
}

interface PhraseProps {
  /** What is chosen here, for screen readers. */
  label: string;
  says: string;
  options: Option[];
  chosen: string;
  choose: (value: string) => void;
}

/** A phrase of a sentence that can be another one. */
export function Phrase({ label, says, options, chosen, choose }: PhraseProps) {
  const [open, setOpen] = useState(false);
  return (
    <span class="phrase">
      <button
        type="button"
        aria-haspopup="listbox"
        aria-expanded={open}
        aria-label={`${label}: ${says}`}
        onClick={() => setOpen(!open)}
      >
        {says}
      </button>
      {open && (
        <Choices
          label={label}
          options={options}
          chosen={chosen}
          choose={choose}
          plainly={options.length <= SHORT}
          close={() => setOpen(false)}
        />
      )}
    </span>
  );
}

/** Without accents and capitals, as people search. */
function fold(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "")
    .toLowerCase();
}
