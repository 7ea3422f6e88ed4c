// Which cameras of how many the wall shows, and the way to the others.

import { words } from "../../words/language";
import { Icon } from "../../page/icon";
import { order } from "./mine";
import { page, pageCount, part, turnPage } from "./pages";

export function Pager() {
  if (pageCount.value === 1) return null;
  const { pages, figures } = words.value;
  const number = (n: number): string => n.toLocaleString(figures);
  const { from, to } = part.value;
  return (
    <div class="pager" role="group" aria-label={pages.title}>
      <button
        class="round"
        aria-label={pages.previous}
        aria-disabled={page.value === 0}
        onClick={() => turnPage(-1)}
      >
        <Icon name="back" />
      </button>
      <span role="status">{pages.part(number(from), number(to), number(order.value.length))}</span>
      <button
        class="round"
        aria-label={pages.next}
        aria-disabled={page.value === pageCount.value - 1}
        onClick={() => turnPage(1)}
      >
        <Icon name="next" />
      </button>
    </div>
  );
}
