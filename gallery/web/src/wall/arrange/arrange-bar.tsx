// The bar at the foot while somebody arranges the wall: the layout, the hidden cameras, Done.

import { useLayoutEffect, useRef } from "preact/hooks";
import { words } from "../../words/language";
import type { Words } from "../../words/words";
import { gridOf } from "../layout/grid";
import { PLAIN, type LayoutName } from "./arrangement";
import { chooseLayout, done, endArranging, listing, nameOf, showAgain } from "./arranging";
import { arrangement } from "./mine";
import { Pager } from "./pager";

const LAYOUTS: readonly LayoutName[] = [PLAIN.layout, "large", "1x1", "2x2", "3x3"];

export function ArrangeBar() {
  const bar = useRef<HTMLDivElement>(null);
  const { arrange } = words.value;
  useLayoutEffect(() => {
    const element = bar.current!;
    // What was pressed lies below the bar now, and comes back when it goes.
    const pressed = document.querySelector<HTMLElement>(".under :focus");
    if (pressed && !listing.peek())
      element.querySelector<HTMLElement>("[aria-checked=true]")?.focus();
    return () => {
      if (!element.contains(document.activeElement)) return;
      requestAnimationFrame(() =>
        document.querySelector<HTMLElement>(".wall-acts > .word:last-child")?.focus(),
      );
    };
  }, []);
  return (
    <div ref={bar} class="floor tools" role="toolbar" aria-label={arrange.title}>
      <b>{arrange.begin}</b>
      <Layouts />
      <Pager />
      <Hidden />
      <button class="pill" onClick={endArranging}>
        {arrange.end}
      </button>
      <span class="sr" role="status">
        {done.value}
      </span>
    </div>
  );
}

function Layouts() {
  const { layout } = arrangement.value;
  // An address may ask for another grid.
  const all = LAYOUTS.includes(layout) ? LAYOUTS : [...LAYOUTS, layout];
  const { arrange } = words.value;
  const turn = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (by === undefined || event.shiftKey) return;
    event.preventDefault();
    const next = (all.indexOf(layout) + by + all.length) % all.length;
    chooseLayout(all[next]!);
    (event.currentTarget as HTMLElement).querySelectorAll("button")[next]?.focus();
  };
  return (
    <div class="opts" role="radiogroup" aria-label={arrange.layout} onKeyDown={turn}>
      {all.map((each) => (
        <button
          key={each}
          role="radio"
          aria-checked={each === layout}
          tabIndex={each === layout ? 0 : -1}
          onClick={() => chooseLayout(each)}
        >
          {layoutWords(each, words.value)}
        </button>
      ))}
    </div>
  );
}

function layoutWords(layout: LayoutName, { arrange }: Words): string {
  const grid = gridOf(layout);
  if (grid) return `${grid.columns} × ${grid.rows}`;
  return layout === "large" ? arrange.oneLarge : arrange.automatic;
}

/** Says how many cameras are hidden here, and shows each again. */
function Hidden() {
  const open = listing.value;
  const list = useRef<HTMLDivElement>(null);
  const { hidden } = arrangement.value;
  const count = hidden.length;
  useLayoutEffect(() => {
    if (open) list.current?.querySelector("button")?.focus();
  }, [open, count]);
  useLayoutEffect(() => {
    if (count === 0) listing.value = false;
  }, [count]);
  if (count === 0) return null;
  const { arrange } = words.value;
  const close = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !open) return;
    event.preventDefault();
    listing.value = false;
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(".word")?.focus();
  };
  return (
    <div class="hidden-here" onKeyDown={close}>
      <button class="word" aria-expanded={open} onClick={() => (listing.value = !open)}>
        {arrange.hidden(count)}
      </button>
      {open && (
        <div ref={list} class="again" role="group" aria-label={arrange.hidden(count)}>
          {hidden.map((camera) => (
            <button key={camera} onClick={() => showAgain(camera)}>
              <span>{nameOf(camera)}</span> <small>{arrange.show}</small>
            </button>
          ))}
          {count > 1 && (
            <button onClick={() => showAgain(...hidden)}>
              <span>{arrange.showAll}</span>
            </button>
          )}
        </div>
      )}
    </div>
  );
}
