// Several names as people say them: "Marta and Ana".

import type { Words } from "./words";

export function listed(names: readonly string[], { locale }: Words): string {
  return new Intl.ListFormat(locale, { type: "conjunction" }).format(names);
}
