// The title of the photos: a sentence whose phrases choose which ones are shown.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { listDays, sources, type Sources } from "../../net/api";
import { dayName, dayWords, monthName } from "../../words/dates";
import { readFilter, spanOf, type Filter } from "./filter";
import { cameraNames } from "../../net/gallery";
import { Choices, type Option } from "../../page/choices";
import { answerKeys } from "../../page/keys/keys";
import { words } from "../../words/language";
import { monthsOf } from "../grid/months";
import type { Day } from "../photo";
import { choosePhotos, filter } from "../../page/route";
import { WordPhrase } from "./word-phrase";

const PHRASES = ["camera", "person", "day"] as const;
type Phrase = (typeof PHRASES)[number];

/** The choices; kept between visits, loaded again at each. */
const from = signal<Sources>({ cameras: [], people: [] });
const allDays = signal<readonly Day[]>([]);

async function ask(): Promise<void> {
  try {
    const [known, days] = await Promise.all([sources(), listDays({}, AbortSignal.timeout(10_000))]);
    from.value = known;
    allDays.value = days;
  } catch {
    // The list shows earlier choices; the room itself says that the gallery is away.
  }
}

export function Sentence() {
  const [open, setOpen] = useState<Phrase | null>(null);
  const said = filter.value;
  useEffect(() => void ask(), []);
  useLayoutEffect(
    () =>
      answerKeys((key) => {
        if (key !== "/") return false;
        setOpen("camera");
        return true;
      }),
    [],
  );
  const { sentence } = words.value;
  const before = {
    camera: sentence.camera,
    person: sentence.person,
    day: !said.day ? sentence.anyDayIs : said.day.length === 7 ? sentence.monthIs : sentence.dayIs,
  };
  const wordIs = said.word ? sentence.wordIs : sentence.anyWordIs;
  return (
    <h1 class="sentence">
      {PHRASES.map((phrase, i) => (
        <span key={phrase}>
          {before[phrase].replace(/^,/, "")}
          <span class="phrase">
            <button
              aria-haspopup="listbox"
              aria-expanded={open === phrase}
              onClick={() => {
                setOpen(open === phrase ? null : phrase);
                void ask();
              }}
            >
              {nameOf(phrase, said)}
            </button>
            {open === phrase && (
              <Choices
                label={sentence.lists[phrase]}
                options={options(phrase)}
                chosen={said[phrase] ?? ""}
                choose={(value) => choosePhotos(readFilter(changed(said, phrase, value)))}
                close={() => setOpen(null)}
              />
            )}
            {(PHRASES[i + 1] ? before[PHRASES[i + 1]!] : wordIs).startsWith(",") && ","}
          </span>
        </span>
      ))}
      <span>
        {wordIs.replace(/^,/, "")}
        <WordPhrase />
      </span>
    </h1>
  );
}

function changed(said: Filter, phrase: Phrase, value: string): string {
  const now = { ...said, [phrase]: value };
  return new URLSearchParams(Object.entries(now).filter(([, value]) => value)).toString();
}

/** What a phrase says now. */
function nameOf(phrase: Phrase, said: Filter): string {
  const { sentence } = words.value;
  if (phrase === "camera") {
    const { camera } = said;
    if (!camera) return sentence.everyCamera;
    const gone = from.value.cameras.find((other) => other.camera === camera);
    return cameraNames.value.get(camera) ?? gone?.name ?? camera;
  }
  if (phrase === "person") {
    const { person } = said;
    if (!person) return sentence.everyone;
    return from.value.people.find(({ id }) => id === person)?.name ?? person;
  }
  const span = said.day ? spanOf(said.day) : null;
  if (!said.day || !span) return sentence.anyDay;
  return said.day.length === 7
    ? monthName(span.from, words.value)
    : dayName(span.from, Date.now(), words.value);
}

function options(phrase: Phrase): Option[] {
  const { sentence, countPhotos, figures } = words.value;
  const numbers = new Intl.NumberFormat(figures);
  const many = (n: number): string => countPhotos(n, numbers.format(n));
  if (phrase === "camera") {
    const known = from.value.cameras.map(({ camera, name, count }) => ({
      value: camera,
      name: cameraNames.value.get(camera) ?? name,
      more: many(count),
    }));
    return [{ value: "", name: sentence.everyCamera }, ...apart(known)];
  }
  if (phrase === "person") {
    const known = from.value.people.map(({ id, name, count }) => ({
      value: id,
      name,
      more: many(count),
    }));
    return [{ value: "", name: sentence.everyone }, ...known];
  }
  const now = Date.now();
  const list: Option[] = [{ value: "", name: sentence.anyDay }];
  const months = new Set(monthsOf(allDays.value).map(({ day }) => day.day));
  for (const day of allDays.value) {
    // Each month stands before its newest day.
    if (months.has(day.day)) {
      list.push({ value: day.day.slice(0, 7), name: monthName(day.start, words.value) });
    }
    const { title, more } = dayWords(day.start, now, words.value);
    list.push({ value: day.day, name: `${title}, ${more}`, more: many(day.count) });
  }
  return list;
}

/** Cameras with the same name also show their node and camera. */
function apart(list: Option[]): Option[] {
  return list.map((option) =>
    list.some((other) => other !== option && other.name === option.name)
      ? { ...option, name: `${option.name}, ${option.value}` }
      : option,
  );
}
