// Which language the page speaks: the one chosen here before, else the browser's.

import { computed, signal } from "@preact/signals";
import { keep, kept } from "../page/storage";
import { localeOf } from "./locale";
import { languages, type Language, type Words } from "./words";

export const language = signal<Language>(firstOf([kept("language") ?? "", ...navigator.languages]));

export const words = computed<Words>(() => ({
  ...languages[language.value],
  ...localeOf(language.value, navigator.languages),
}));

export function choose(chosen: string): void {
  language.value = firstOf([chosen]);
  keep("language", language.value);
}

/** The first of a reader's languages that the page speaks. */
function firstOf(tags: readonly string[]): Language {
  const spoken = tags.map((tag) => tag.toLowerCase().split("-")[0]).find(isSpoken);
  return spoken ?? "en";
}

function isSpoken(code: string | undefined): code is Language {
  return code !== undefined && Object.hasOwn(languages, code);
}
