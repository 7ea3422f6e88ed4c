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
import { cameras, notices } from "./net/gallery";
import { Denied, seesAll } from "./door/denied";
import { Door } from "./door/door";
import { enter, entrance } from "./door/entrance";
import { SetUp } from "./door/setup";
import { LogInButton, onlyVisits, Visiting } from "./door/visiting";
import { hasHouse } from "./house/has-house";
import { House } from "./house/house";
import { You } from "./house/me";
import { caller, may } from "./net/me";
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
import { enlarged, room, type Here, toHouse, toMe, toPeople, toPhotos, viewed } from "./page/route";
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
  if (entrance.value === "nothing") return null;
  // At the door there is nothing of what is behind it.
  const isDoor = entrance.value === "door";
  if (isDoor || room.value === "setup") {
    return (
      <>
        <BareBar />
        <main id="main">{isDoor ? <Door /> : <SetUp />}</main>
        <Said />
      </>
    );
  }
  return <Inside />;
}

function Inside() {
  // The open viewer, a slideshow or a film makes everything below it inert.
  const covered = viewed.value !== null || slideshow.value !== null || film.value !== null;
  return (
    <>
      <SkipLink />
      <ConnectionLine />
      <UpgradeLine />
      <Bar covered={covered} />
      <main id="main" tabIndex={-1} inert={covered}>
        <At />
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
      <Said />
    </>
  );
}

function Said() {
  return (
    <div class="sr" role="status">
      {said}
    </div>
  );
}

/** The room that the address names, if it is for this person. */
function At() {
  if (room.value === "me") return <You />;
  if (room.value === "house") return <House />;
  if (!may("look")) return <Denied />;
  if (room.value === "photos") return <Photos />;
  if (room.value === "people") return hasPeople() ? <People /> : <Denied />;
  return <Room />;
}

/** Whoever only looks without a login sees nobody. */
function hasPeople(): boolean {
  return !onlyVisits();
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

/** Without rooms: nobody is known yet. */
function BareBar() {
  return (
    <header class="bar bare">
      <span class="mark">Vitrina</span>
      <div class="push">
        <LanguageChoice />
      </div>
    </header>
  );
}

const by =
  (go: () => void) =>
  (event: Event): void => {
    event.preventDefault();
    go();
  };

function Bar({ covered }: { covered: boolean }) {
  const { rooms, wall, photos, people, house, open, countHere, own, keys } = words.value;
  const count = hasPeople() ? (present.value?.length ?? 0) : 0;
  const here = room.value;
  const name = caller.value?.name;
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
        {hasPeople() && (
          <a
            href="#/people"
            aria-current={here === "people" ? "page" : undefined}
            onClick={by(toPeople)}
          >
            {people}
          </a>
        )}
        {hasHouse.value && (
          <a
            href="#/house"
            aria-current={here === "house" ? "page" : undefined}
            onClick={by(() => toHouse())}
          >
            {house}
          </a>
        )}
      </nav>
      <div class="push">
        {notices.value.some(({ code }) => code === "open") && <span class="here">{open}</span>}
        {count > 0 && <span class="here">{countHere(count)}</span>}
        <button class="word keys" aria-label={keys.open} onClick={() => (listed.value = true)}>
          {keys.title}
        </button>
        <LanguageChoice />
        {!onlyVisits() && <InviteButton />}
        {may("show") && (here === "wall" || here === "people") && stream.value === null && (
          <button class="word" onClick={showMine}>
            <Icon name="cam" />
            <span>{own.show}</span>
          </button>
        )}
        <OnAirBar />
        {name && (
          <a
            class="word mine"
            dir="auto"
            href="#/me"
            aria-current={here === "me" ? "page" : undefined}
            onClick={by(toMe)}
          >
            {name}
          </a>
        )}
        <LogInButton />
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
    if (camera) return <Enlarged camera={camera} list={list} />;
    return seesAll() ? <Gone /> : <Denied />;
  }
  return (
    <section class="room" aria-labelledby="wall">
      <h1 id="wall" class="sr">
        {words.value.wall}
      </h1>
      {list.length > 0 ? <Wall list={list} /> : all.length > 0 ? <AllHidden /> : <NoCamera />}
      {onlyVisits() ? <Visiting /> : <Strip />}
      {isArranging() && <ArrangeBar />}
    </section>
  );
}

function titleOf(room: Here): string | null {
  const { photos, people, house, you, setup } = words.value;
  return { wall: null, photos, people, house, me: you, login: null, setup: setup.title }[room];
}

effect(() => {
  document.documentElement.lang = words.value.code;
  const large = cameras.value?.find(({ camera }) => camera === enlarged.value);
  const name = entrance.value === "in" ? (large?.name ?? titleOf(room.value)) : null;
  document.title = name ? `${name} · Vitrina` : "Vitrina";
});

followKeys();
followFiles();
followLife();
followInstall();
followUpgrade();
render(<Page />, document.body);
void enter();
