// All that the page says: one file for each language.

import type { Language, Words } from "./english";
import { en } from "./english";
import { fr } from "./french";
import { de } from "./german";
import { it } from "./italian";
import { pt } from "./portuguese";
import { es } from "./spanish";

/** In the order in which they are offered: that of their own names. */
export const languages: Record<Language, Words> = { de, en, es, fr, it, pt };

export { de, en, es, fr, it, pt, type Language, type Words };
export { sentence } from "./spelling";
