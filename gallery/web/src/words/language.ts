// Which language the page speaks: the one chosen here before, else the browser's.

import { computed, signal } from "@preact/signals";
import { keep, kept } from "../page/storage";
import { en, es, type Language, type Words } from "./words";

export const language = signal<Language>(firstOf([kept("language") ?? "", ...navigator.languages]));

export const words = computed<Words>(() => {
  const table = language.value === "es" ? es : en;
  // The browser's own tag, such as en-GB or es-MX, knows how its reader writes times.
  const locale = navigator.languages.find((tag) => tag.startsWith(table.code));
  return locale ? { ...table, locale } : table;
});

export function choose(chosen: Language): void {
  language.value = chosen;
  keep("language", chosen);
}

/** The first of a reader's languages that the page speaks. */
function firstOf(languages: readonly string[]): Language {
  for (const tag of languages) {
    if (/^en\b/i.test(tag)) return "en";
    if (/^es\b/i.test(tag)) return "es";
  }
  return "en";
}
