// The page: the bar, and below it the wall or one camera.

import { effect } from "@preact/signals";
import { render } from "preact";
import { said } from "./announce";
import { Enlarged, Gone } from "./camera";
import { cameras, notices, start } from "./gallery";
import { KeyList } from "./keylist";
import { followKeys, leave, listed } from "./keys";
import { choose, words } from "./language";
import { ConnectionLine, NoticeToast } from "./notices";
import { followLife } from "./rest";
import { enlarged } from "./route";
import { NoCamera, Wall } from "./wall";

function Page() {
  return (
    <>
      <SkipLink />
      <ConnectionLine />
      <Bar />
      <main id="main" tabIndex={-1}>
        <Room />
      </main>
      <NoticeToast />
      {listed.value && <KeyList />}
      <div class="sr" role="status">
        {said}
      </div>
    </>
  );
}

function SkipLink() {
  const skip = (event: Event): void => {
    event.preventDefault();
    document.querySelector<HTMLElement>("main .open, main button")?.focus();
  };
  return (
    <a class="sr" href="#main" onClick={skip}>
      {words.value.skip}
    </a>
  );
}

function Bar() {
  const { rooms, wall, open, other } = words.value;
  const home = (event: Event): void => {
    event.preventDefault();
    leave();
  };
  return (
    <header class="bar">
      <span class="mark">Vitrina</span>
      <nav aria-label={rooms}>
        <a href="#/" aria-current="page" onClick={home}>
          {wall}
        </a>
      </nav>
      <div class="push">
        {notices.value.some(({ code }) => code === "open") && <span class="here">{open}</span>}
        <button
          class="word lang"
          lang={other.code}
          aria-label={other.label}
          onClick={() => choose(other.code)}
        >
          {other.short}
        </button>
      </div>
    </header>
  );
}

function Room() {
  const list = cameras.value;
  const large = enlarged.value;
  if (!list) return null;
  if (large !== null) {
    const camera = list.find(({ camera }) => camera === large);
    return camera ? <Enlarged camera={camera} list={list} /> : <Gone />;
  }
  return (
    <section class="room" aria-labelledby="wall">
      <h1 id="wall" class="sr">
        {words.value.wall}
      </h1>
      {list.length > 0 ? <Wall list={list} /> : <NoCamera />}
    </section>
  );
}

effect(() => {
  document.documentElement.lang = words.value.code;
  const large = cameras.value?.find(({ camera }) => camera === enlarged.value);
  document.title = large ? `${large.name} · Vitrina` : "Vitrina";
});

followKeys();
followLife();
render(<Page />, document.body);
void start();
