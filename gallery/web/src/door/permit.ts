// What somebody may not do is not on the page. A key or a file that is dropped may ask for it all
// the same, and is told whose it is to give.

import { allows, caller, type Me, type Right } from "../net/me";
import { complain } from "../page/notices/toast";
import { words } from "../words/language";
import { listed } from "../words/list";
import type { Words } from "../words/words";

/** Whether this page may do that; if not, it says so. */
export function permit(right: Right): boolean {
  const me = caller.peek();
  if (me === null || allows(me, right)) return true;
  const { needs } = words.peek().denied;
  complain(Object.hasOwn(needs, right) ? needs[right]! : needs.look!, whose(me, words.peek()));
  return false;
}

/** Who this is, and who can change what that allows. */
export function whose(me: Me, words: Words): string {
  const { youAre, canChange, visiting } = words.denied;
  if (me.name === null || me.role === null || me.role === "visitor") return visiting;
  const { administrators: names } = me;
  const is = youAre[me.role];
  return names.length === 0 ? is : `${is} ${canChange(listed(names, words), names.length)}`;
}
