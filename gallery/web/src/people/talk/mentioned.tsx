// A message as text, and below it the photos and cameras that it mentions.

import { signal } from "@preact/signals";
import { fileUrl, onePhoto, Refusal } from "../../net/api";
import { timeName } from "../../words/dates";
import { cameras, photoListeners } from "../../net/gallery";
import { words } from "../../words/language";
import { parts, shownParts } from "./mention";
import { named } from "../../photos/camera-name";
import type { Photo } from "../../photos/photo";
import { enlarge, view } from "../../page/route";
import { Tile } from "../../wall/tile/tile";
import type { Words } from "../../words/words";

/** A mentioned camera is a small picture among many. */
const FPS = 5;

export function Text({ text }: { text: string }) {
  const shown = shownParts(text);
  const all = cameras.value ?? [];
  if (shown.length === 0) return null;
  return (
    <p>
      {shown.map((part, i) => {
        if ("text" in part) return part.text;
        if ("photo" in part) return <Pictured key={i} id={part.photo} />;
        if ("link" in part) return <Address key={i} address={part.link} />;
        const camera = all.find(({ camera }) => camera === part.camera);
        return camera ? (
          <a key={i} href={`#/camera/${part.camera}`} onClick={by(() => enlarge(part.camera))}>
            <u>{camera.name}</u>
          </a>
        ) : (
          part.camera
        );
      })}
    </p>
  );
}

/** An address as typed. The browser shows where it leads, in its own spelling. */
function Address({ address }: { address: string }) {
  return (
    <a href={address} title={new URL(address).href} target="_blank" rel="noopener noreferrer">
      <u>{address}</u>
    </a>
  );
}

/** The word for a photo in the middle of a text; the photo itself is below. */
function Pictured({ id }: { id: string }) {
  const { talk } = words.value;
  if (lookUp(id) === null) return talk.pictured;
  return (
    <a href={`#/photo/${id}`} onClick={by(() => view(id))}>
      <u>{talk.pictured}</u>
    </a>
  );
}

export function Mentions({ text }: { text: string }) {
  const shown = parts(text);
  const photos = new Set(shown.flatMap((part) => ("photo" in part ? [part.photo] : [])));
  const named = new Set(shown.flatMap((part) => ("camera" in part ? [part.camera] : [])));
  const all = (cameras.value ?? []).filter(({ camera }) => named.has(camera));
  const { talk } = words.value;
  return (
    <>
      {[...photos].map((id) => (
        <MentionedPhoto key={id} id={id} />
      ))}
      {all.map((camera) => (
        <a
          key={camera.camera}
          class="shot"
          href={`#/camera/${camera.camera}`}
          aria-label={talk.camera(camera.name)}
          onClick={by(() => enlarge(camera.camera))}
        >
          <Tile camera={camera} fps={FPS} />
          <span aria-hidden="true">{talk.camera(camera.name)}</span>
        </a>
      ))}
    </>
  );
}

function MentionedPhoto({ id }: { id: string }) {
  const photo = lookUp(id);
  const { talk } = words.value;
  if (photo === undefined) return null;
  if (photo === null) return <p class="note">{talk.photoGone}</p>;
  return (
    <a class="shot" href={`#/photo/${id}`} onClick={by(() => view(id))}>
      <img
        src={fileUrl(id, "/thumb")}
        alt=""
        style={{ aspectRatio: `${photo.width} / ${photo.height}` }}
      />
      <span>{photoLine(named(photo), words.value)}</span>
    </a>
  );
}

/** By whom or from where, and when. */
export function photoLine({ person, camera_name, taken }: Photo, all: Words): string {
  const { talk } = all;
  const when = timeName(taken, all);
  if (person) return talk.photoBy(person.name, when);
  return camera_name ? talk.photoFrom(camera_name, when) : talk.photo(when);
}

/** Mentioned photos: null means gone; a missing one is being loaded. */
const known = signal<ReadonlyMap<string, Photo | null>>(new Map());
const asked = new Set<string>();

function lookUp(id: string): Photo | null | undefined {
  if (!asked.has(id)) {
    asked.add(id);
    onePhoto(id).then(
      ({ photo }) => learn(id, photo),
      (error) => {
        if (error instanceof Refusal && error.status === 404) learn(id, null);
        else asked.delete(id);
      },
    );
  }
  return known.value.get(id);
}

function learn(id: string, photo: Photo | null): void {
  known.value = new Map(known.peek()).set(id, photo);
}

photoListeners.add((event) => {
  const id = event.event === "deleted" ? event.id : event.photo.id;
  if (asked.has(id)) learn(id, event.event === "deleted" ? null : event.photo);
});

function by(go: () => void) {
  return (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go();
  };
}
