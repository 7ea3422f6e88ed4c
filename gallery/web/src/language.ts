// Which language the page speaks: the one chosen here before, else the browser's.

import { computed, signal } from "@preact/signals";
import { en, es, type Language, type Words } from "./words";

const KEPT = "vitrina.language";

export const language = signal<Language>(kept() ?? firstOf(navigator.languages));

export const words = computed<Words>(() => {
  const table = language.value === "es" ? es : en;
  // The browser's own tag, such as en-GB or es-MX, knows how its reader writes times.
  const locale = navigator.languages.find((tag) => tag.startsWith(table.code));
  return locale ? { ...table, locale } : table;
});

export function choose(chosen: Language): void {
  language.value = chosen;
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // Without storage the choice holds for this visit.
  }
}

function kept(): Language | null {
  try {
    const value = localStorage.getItem(KEPT);
    return value === "en" || value === "es" ? value : null;
  } catch {
    return null;
  }
}

/** The first of a reader's languages that the page speaks. */
function firstOf(languages: readonly string[]): Language {
  for (const tag of languages) {
    if (/^en\b/i.test(tag)) return "en";
    if (/^es\b/i.test(tag)) return "es";
  }
  return "en";
}
