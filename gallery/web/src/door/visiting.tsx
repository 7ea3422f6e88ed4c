// What somebody sees who looks without a login: the way in, and that there is more.

import { caller, may } from "../net/me";
import { toLogin } from "../page/route";
import { words } from "../words/language";

/** Whether this page may only look, and a login would give more. */
export function onlyVisits(): boolean {
  return caller.value?.role === "visitor" && !may("talk");
}

/** In the place of the strip, so that no tile moves. */
export function Visiting() {
  return (
    <div class="say2">
      <span class="soft">{words.value.denied.visiting}</span>
    </div>
  );
}

/** In the bar, for those who are in without a login. */
export function LogInButton() {
  if (caller.value?.role !== "visitor") return null;
  return (
    <button class="pill dim" onClick={toLogin}>
      {words.value.door.logIn}
    </button>
  );
}
