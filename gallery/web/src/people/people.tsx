// The room of people: this device's camera, who is here, and the talk or the log.

import { computed } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { sinceText } from "../words/age";
import { cameras } from "../net/gallery";
import { isSilent, people } from "./conversation";
import { Join, JoinLine } from "../invite/invite";
import { caller, may } from "../net/me";
import { words } from "../words/language";
import { Install } from "../shell/install";
import { LanguageChoice } from "../page/language-choice";
import { Log } from "../log/log";
import { depart, join, me, nameHeld } from "./identity";
import { NameForm } from "./name-form";
import { Own } from "../webcam/webcam";
import type { Present } from "./wire";
import { enlarge, logged, toLog, toMe, toPeople } from "../page/route";
import { Talk } from "./talk/talk";
import { tick } from "../page/tick";
import { Tile } from "../wall/tile/tile";
import { sentence } from "../words/words";

/** A thumbnail is small, and there may be many. */
const FPS = 10;

export function People() {
  const { people: title } = words.value;
  const inLog = logged.value && may("log");
  const inviting = isAlone.value && isSilent.value && !inLog;
  return (
    <section class="hall" aria-label={title}>
      <h1 class="sr">{title}</h1>
      <div class={`who${inviting ? " alone" : ""}`}>
        <Own />
        <Names inviting={inviting} />
        <Install />
      </div>
      <div class="told">
        <div class="ways">
          {may("log") && <Views />}
          <Reach />
        </div>
        {inLog ? <Log /> : <Talk empty={isAlone.value && <Invitation />} />}
      </div>
    </section>
  );
}

const by = (go: () => void) => (event: Event) => {
  event.preventDefault();
  go();
};

/** The talk or the log. */
function Views() {
  const { talk, log } = words.value;
  const here = logged.value;
  return (
    <nav class="views" aria-label={log.views}>
      <a href="#/people" aria-current={here ? undefined : "page"} onClick={by(toPeople)}>
        {talk.title}
      </a>
      <a href="#/people/log" aria-current={here ? "page" : undefined} onClick={by(toLog)}>
        {log.title}
      </a>
    </nav>
  );
}

/** What a phone has no other place for: the bar at its foot is full, its names are one sentence. */
function Reach() {
  const isHere = people.value?.some(({ id }) => id === me.value?.id);
  return (
    <div class="reach">
      {isHere && (
        <button class="word" onClick={depart}>
          {words.value.naming.leave}
        </button>
      )}
      {caller.value?.name && (
        <a class="word" href="#/me" dir="auto" onClick={by(toMe)}>
          {caller.value.name}
        </a>
      )}
      <LanguageChoice named />
    </div>
  );
}

/** Nobody is here but this person. */
const isAlone = computed(
  () => people.value !== null && people.value.every(({ id }) => id === me.value?.id),
);

function Invitation() {
  return (
    <div class="invitation">
      <Join to="people" />
    </div>
  );
}

/** Who is here; while `inviting`, the talk has the place to say where others join. */
function Names({ inviting }: { inviting: boolean }) {
  const all = people.value;
  const { nobodyYet, justYou, aloneHelp, peopleHere } = words.value;
  if (all === null) return null;
  const alone = isAlone.value;
  return (
    <>
      <h2>{all.length === 0 ? nobodyYet : alone ? justYou : peopleHere(all.length)}</h2>
      {inviting ? <p>{aloneHelp}</p> : alone && <JoinLine />}
      <ul class="names" role="list">
        {all.map((person) =>
          person.id === me.value?.id ? (
            <Self key={person.id} person={person} />
          ) : (
            <Other key={person.id} person={person} />
          ),
        )}
      </ul>
    </>
  );
}

function Other({ person }: { person: Present }) {
  const { sinceShowing } = words.value;
  const camera = cameras.value?.find(({ camera }) => camera === person.camera);
  const since = sentence(sinceText(person.since, tick.value, words.value));
  return (
    <li data-person={person.id}>
      <span class="n">
        {person.name}
        <small>{camera ? sinceShowing(since) : since}</small>
      </span>
      {camera && (
        <button class="cam" aria-label={camera.name} onClick={() => enlarge(camera.camera)}>
          <Tile key={camera.camera} camera={camera} fps={FPS} />
        </button>
      )}
    </li>
  );
}

/** One's own name can be changed where it stands. */
function Self({ person }: { person: Present }) {
  const [changing, setChanging] = useState(false);
  const { naming, you, youShowing } = words.value;
  useEffect(() => {
    setChanging(false);
  }, [person.name]);
  if (changing) {
    return (
      <li data-person={person.id} class="self">
        <NameForm
          name={person.name}
          act={naming.keep}
          done={(name) => (name === person.name ? setChanging(false) : join(name))}
          cancel={() => {
            nameHeld.value = null;
            setChanging(false);
          }}
        />
      </li>
    );
  }
  return (
    <li data-person={person.id} class="self">
      <span class="n">
        <button aria-label={naming.change(person.name)} onClick={() => setChanging(true)}>
          {person.name}
        </button>
        <small>{person.camera ? youShowing : you}</small>
      </span>
      <button class="word" onClick={depart}>
        {naming.leave}
      </button>
    </li>
  );
}
