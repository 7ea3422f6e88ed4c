// Who has a login: a row for each person, and in it what they are and which cameras they see.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { askVisitor, type User } from "../net/logins";
import type { Me } from "../net/me";
import { Icon } from "../page/icon";
import { answerKeys } from "../page/keys/keys";
import { viewed } from "../page/route";
import { words } from "../words/language";
import { NewPerson } from "./new-person";
import { Opened, Row } from "./person";
import { askUsers, users } from "./users";

/** How often who is here now is looked up, in milliseconds. */
const EVERY = 30_000;

/** What is open: somebody's row, or that of somebody new. */
type Open = { name: string } | "new" | null;

export function Logins() {
  const [open, setOpen] = useState<Open>(null);
  const list = useRef<HTMLUListElement>(null);
  const [visitor, setVisitor] = useState<Me | null>(null);
  useEffect(() => {
    void askUsers();
    const timer = setInterval(() => void askUsers(), EVERY);
    askVisitor().then(setVisitor, () => {});
    return () => clearInterval(timer);
  }, []);
  const now = useRef(open);
  now.current = open;
  /** The focus returns to the row's button. */
  const close = (): void => {
    const at = now.current;
    setOpen(null);
    const name = at === null || at === "new" ? null : at.name;
    requestAnimationFrame(() => {
      const hits = [...(list.current?.querySelectorAll<HTMLElement>(".hit") ?? [])];
      const back = hits.find((hit) => hit.dataset.name === name);
      (back ?? document.querySelector<HTMLElement>(".house .ask .pill"))?.focus();
    });
  };
  useLayoutEffect(
    () =>
      answerKeys((key) => {
        if (viewed.value !== null) return false;
        if (key === "n") setOpen("new");
        else if (key === "Escape" && now.current !== null) close();
        else return false;
        return true;
      }),
    [],
  );
  const { logins } = words.value;
  const all = users.value;
  if (!all) return null;
  return (
    <>
      <div class="ask">
        <h1 class="sentence">
          {logins.count(all.length)} {visitor && visiting(visitor)}
        </h1>
        <div class="do">
          <button class="pill" aria-expanded={open === "new"} onClick={() => setOpen("new")}>
            <Icon name="add" />
            {logins.add}
          </button>
        </div>
      </div>
      <ul ref={list} class="rows close users" role="list">
        {open === "new" && <NewPerson close={close} />}
        {all.map((user: User) =>
          open !== null && open !== "new" && open.name === user.name ? (
            <Opened key={user.name} user={user} all={all} close={close} />
          ) : (
            <Row key={user.name} user={user} open={() => setOpen({ name: user.name })} />
          ),
        )}
      </ul>
    </>
  );
}

/** What somebody without a login may do. */
function visiting({ rights }: Me): string {
  const { without } = words.value.logins;
  if (rights.includes("talk")) return without.join;
  return rights.includes("look") ? without.look : without.none;
}
