// How words are put together, in every language.

/** The same with a capital at the beginning. */
export function sentence(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

/** Below ten in letters. */
export function spell(n: number, names: readonly string[]): string {
  return names[n] ?? `${n}`;
}

/**
 * Chooses what is said of `n`, by the plural rules of a language (Unicode CLDR): French says
 * « 0 photo », English "0 photos". The languages of this page have no other form for whole numbers.
 */
export function plural(language: string): (n: number, one: string, other: string) => string {
  const rules = new Intl.PluralRules(language);
  return (n, one, other) => (rules.select(n) === "one" ? one : other);
}
