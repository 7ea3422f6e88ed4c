// How words are put together, in every language.

/** The same with a capital at the beginning. */
export function sentence(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

/** Below ten in letters. */
export function spell(n: number, names: readonly string[]): string {
  return names[n] ?? `${n}`;
}
