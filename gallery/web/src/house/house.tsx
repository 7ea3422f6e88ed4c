// The room of those who run the house: a row of words, and below it what each leads to.

import { Denied } from "../door/denied";
import { SetUp } from "../door/setup";
import { Log } from "../log/log";
import { caller, may } from "../net/me";
import { logged, toHouse } from "../page/route";
import { words } from "../words/language";
import { hasHouse } from "./has-house";
import { Logins } from "./logins";

export function House() {
  const { house, logins, log } = words.value;
  if (!hasHouse.value) return <Denied />;
  if (!caller.value?.users) return <SetUp />;
  const inLog = logged.value && may("log");
  const by = (inLog: boolean) => (event: Event) => {
    event.preventDefault();
    toHouse(inLog);
  };
  return (
    <section class={inLog ? "house reading" : "house"} aria-label={house}>
      <nav class="sub" aria-label={house}>
        <a href="#/house" aria-current={inLog ? undefined : "page"} onClick={by(false)}>
          {logins.title}
        </a>
        {may("log") && (
          <a href="#/house/log" aria-current={inLog ? "page" : undefined} onClick={by(true)}>
            {log.title}
          </a>
        )}
      </nav>
      {inLog ? (
        <>
          <h1 class="sentence">{log.inHouse}</h1>
          <Log />
        </>
      ) : (
        <Logins />
      )}
    </section>
  );
}
