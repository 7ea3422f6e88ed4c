// The language of the page, chosen in the browser's own list.

import { choose, words } from "../words/language";
import { languages } from "../words/words";

/** In the bar its code is enough, where there is room it is named. */
export function LanguageChoice({ named = false }: { named?: boolean }) {
  const { code, itself, language } = words.value;
  return (
    <label class={`word ${named ? "tongue" : "lang"}`}>
      <span aria-hidden="true">{named ? itself : code.toUpperCase()}</span>
      <select
        aria-label={language}
        value={code}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {Object.values(languages).map((other) => (
          <option key={other.code} value={other.code} lang={other.code}>
            {other.itself}
          </option>
        ))}
      </select>
    </label>
  );
}
