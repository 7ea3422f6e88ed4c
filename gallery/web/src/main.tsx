// The page: the bar, below it the wall, one camera, the photos, or the people, and above all the
// viewer.

import { effect } from "@preact/signals";
import { render } from "preact";
import "./page/notices/proxy";
import { said } from "./page/notices/announce";
import { stream } from "./webcam/capture";
import { OnAirBar } from "./webcam/on-air";
import { Arrival } from "./wall/arrival";
import { Enlarged, Gone } from "./wall/camera/camera";
import { cameras, notices, start } from "./net/gallery";
import { People } from "./people/people";
import { people as present } from "./people/conversation";
import { InviteButton, Inviting } from "./invite/invite";
import { Icon } from "./page/icon";
import { LanguageChoice } from "./page/language-choice";
import { KeyList } from "./page/keys/key-list";
import { followKeys, leave, listed } from "./page/keys/keys";
import { words } from "./words/language";
import { asking } from "./people/identity";
import { Naming } from "./people/name-form";
import { connection, ConnectionLine, Toasts } from "./page/notices/notices";
import { showMine } from "./webcam/webcam";
import { Photos } from "./photos/photos";
import { followLife } from "./page/idle";
import { enlarged, room, toPeople, toPhotos, viewed } from "./page/route";
import { Away, followInstall } from "./shell/install";
import { followUpgrade, UpgradeLine } from "./shell/upgrade";
import { Strip } from "./wall/snap/strip";
import { Drop, followFiles } from "./photos/uploads/drop";
import { Loads } from "./photos/uploads/upload-panel";
import { DayFilm, film } from "./photos/film/film";
import { slideshow, Slideshow } from "./photos/slideshow/slideshow";
import { Viewer } from "./photos/viewer/viewer";
import { AllHidden, NoCamera, Wall } from "./wall/wall";
import { ArrangeBar } from "./wall/arrange/arrange-bar";
import { isArranging } from "./wall/arrange/arranging";
import { shown } from "./wall/arrange/mine";

function Page() {
  // The open viewer, a slideshow or a film makes everything below it inert.
  const covered = viewed.value !== null || slideshow.value !== null || film.value !== null;
  return (
    <>
      <SkipLink />
      <ConnectionLine />
      <UpgradeLine />
      <Bar covered={covered} />
      <main id="main" tabIndex={-1} inert={covered}>
        {room.value === "photos" ? <Photos /> : room.value === "people" ? <People /> : <Room />}
      </main>
      <Viewer />
      <Slideshow />
      <DayFilm />
      <Loads />
      <Arrival />
      <Toasts />
      <Drop />
      <Inviting />
      {listed.value && <KeyList />}
      {asking.value && <Naming />}
      <div class="sr" role="status">
        {said}
      </div>
    </>
  );
}

function SkipLink() {
  const skip = (event: Event): void => {
    event.preventDefault();
    document.querySelector<HTMLElement>("main .open, main [data-photo], main button")?.focus();
  };
  return (
    <a class="sr" href="#main" onClick={skip}>
      {words.value.skip}
    </a>
  );
}

function Bar({ covered }: { covered: boolean }) {
  const { rooms, wall, photos, people, open, countHere, own, keys } = words.value;
  const count = present.value?.length ?? 0;
  const by =
    (go: () => void) =>
    (event: Event): void => {
      event.preventDefault();
      go();
    };
  const here = room.value;
  return (
    <header class="bar" inert={covered}>
      <span class="mark">Vitrina</span>
      <nav aria-label={rooms}>
        <a href="#/" aria-current={here === "wall" ? "page" : undefined} onClick={by(leave)}>
          {wall}
        </a>
        <a
          href="#/photos"
          aria-current={here === "photos" ? "page" : undefined}
          onClick={by(toPhotos)}
        >
          {photos}
        </a>
        <a
          href="#/people"
          aria-current={here === "people" ? "page" : undefined}
          onClick={by(toPeople)}
        >
          {people}
        </a>
      </nav>
      <div class="push">
        {notices.value.some(({ code }) => code === "open") && <span class="here">{open}</span>}
        {count > 0 && <span class="here">{countHere(count)}</span>}
        <button class="word keys" aria-label={keys.open} onClick={() => (listed.value = true)}>
          {keys.title}
        </button>
        <LanguageChoice />
        <InviteButton />
        {here !== "photos" && stream.value === null && (
          <button class="word" onClick={showMine}>
            <Icon name="cam" />
            <span>{own.show}</span>
          </button>
        )}
        <OnAirBar />
      </div>
    </header>
  );
}

function Room() {
  const all = cameras.value;
  const list = shown.value;
  const large = enlarged.value;
  if (!all || !list) return connection.value === "lost" ? <Away /> : null;
  if (large !== null) {
    const camera = all.find(({ camera }) => camera === large);
    return camera ? <Enlarged camera={camera} list={list} /> : <Gone />;
  }
  return (
    <section class="room" aria-labelledby="wall">
      <h1 id="wall" class="sr">
        {words.value.wall}
      </h1>
      {list.length > 0 ? <Wall list={list} /> : all.length > 0 ? <AllHidden /> : <NoCamera />}
      <Strip />
      {isArranging() && <ArrangeBar />}
    </section>
  );
}

effect(() => {
  document.documentElement.lang = words.value.code;
  const large = cameras.value?.find(({ camera }) => camera === enlarged.value);
  const name = room.value === "wall" ? large?.name : words.value[room.value];
  document.title = name ? `${name} · Vitrina` : "Vitrina";
});

followKeys();
followFiles();
followLife();
followInstall();
followUpgrade();
render(<Page />, document.body);
void start();
