// How a reader's browser writes dates, times and figures, whatever language the page speaks.

export interface Locale {
  /** The page's language, with the region and the clock (12 or 24 hours) of the reader. */
  locale: string;
  /** The reader's own tag. */
  figures: string;
}

/** `tags` are the reader's languages, the favourite first (BCP 47), as the browser lists them. */
export function localeOf(language: string, tags: readonly string[]): Locale {
  const reader = tags.map(parsed).find((tag) => tag !== null) ?? new Intl.Locale(language);
  const hour = { hour: "numeric" } as const;
  const { hourCycle } = new Intl.DateTimeFormat(reader.toString(), hour).resolvedOptions();
  const own = reader.language === language ? reader : new Intl.Locale(language);
  const region = own.region ?? reader.maximize().region;
  const customs = { ...(region && { region }), ...(hourCycle && { hourCycle }) };
  const locale = new Intl.Locale(own, customs);
  return { locale: locale.toString(), figures: reader.toString() };
}

/** Null for what no browser should list and some do, such as `en-US@posix`. */
function parsed(tag: string): Intl.Locale | null {
  try {
    return new Intl.Locale(tag);
  } catch {
    return null;
  }
}

/** Two digits align, but nobody writes 05:31 PM. */
export function clock(locale: string): Intl.DateTimeFormatOptions {
  const { hourCycle } = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions();
  const half = hourCycle === "h12" || hourCycle === "h11";
  return { hour: half ? "numeric" : "2-digit", minute: "2-digit" };
}
