// The room of photos: which ones, in a sentence, and below it all of them by day.

import { useEffect, useLayoutEffect } from "preact/hooks";
import { Grid } from "./grid/grid";
import { Icon } from "../page/icon";
import { answerKeys } from "../page/keys/keys";
import { may } from "../net/me";
import { words } from "../words/language";
import { choosePhotos, filter } from "../page/route";
import { writeFilter } from "./filter/filter";
import { Sentence } from "./filter/filter-sentence";
import { FoundList } from "./filter/word-phrase";
import { album } from "./album/current-album";
import { PickBar } from "./select/pick-bar";
import { beginPicking, endPicking, picked } from "./select/selection";
import { playAll } from "./slideshow/slideshow";
import { chooseFiles, takeHere } from "./uploads/uploads";

export function Photos() {
  const shown = album.value;
  const { photos } = words.value;
  useLayoutEffect(
    () =>
      answerKeys((key) => {
        if (key !== "u") return false;
        chooseFiles();
        return true;
      }),
    [],
  );
  // Also while there is nothing to show: the first photo may arrive.
  useEffect(() => {
    shown?.need("room", { near: [], more: [] });
    return () => shown?.needNothing("room");
  }, [shown]);
  useEffect(() => endPicking, []);
  if (!shown) return null;
  const none = shown.days.value?.length === 0;
  const away = shown.days.value === null && shown.failed.value;
  const all = writeFilter(filter.value) === "";
  return (
    <section class="page" aria-label={photos}>
      {none && all ? (
        <NoPhotos />
      ) : (
        <>
          <div class="ask">
            <Sentence />
            <div class="do">
              {!none && <Play />}
              {!none && <Select />}
              <Add />
            </div>
          </div>
          <FoundList />
          {none && <NoSuchPhotos />}
          {away && <PhotosAway />}
          {!none && !away && <Grid key={writeFilter(shown.filter)} album={shown} />}
        </>
      )}
      <PickBar />
    </section>
  );
}

/** Plays what the sentence means. */
function Play() {
  return (
    <button class="word" onClick={() => void playAll(filter.peek())}>
      <Icon name="play" />
      {words.value.slides.title}
    </button>
  );
}

function Select() {
  const picking = picked.value !== null;
  return (
    <button class="word" aria-pressed={picking} onClick={picking ? endPicking : beginPicking}>
      <Icon name="pick" />
      {words.value.select.begin}
    </button>
  );
}

function Add() {
  if (!may("upload")) return null;
  const { addPhotos, takeHere: take } = words.value;
  return (
    <>
      <button class="pill" onClick={chooseFiles}>
        <Icon name="add" />
        {addPhotos}
      </button>
      <button class="round touch" aria-label={take} onClick={takeHere}>
        <Icon name="photo" />
      </button>
    </>
  );
}

function NoPhotos() {
  const { noPhotos, noPhotosHelp } = words.value;
  return (
    <div class="hollow">
      <h1>{noPhotos}</h1>
      <p>
        {noPhotosHelp[0]}
        <kbd>S</kbd>
        {noPhotosHelp[1]}
      </p>
      <div class="do">
        <Add />
      </div>
    </div>
  );
}

function NoSuchPhotos() {
  const { noSuchPhotos, noSuchPhotosHelp, allPhotos } = words.value;
  return (
    <div class="hollow">
      <h2>{noSuchPhotos}</h2>
      <p>{noSuchPhotosHelp}</p>
      <button class="pill" onClick={() => choosePhotos({})}>
        {allPhotos}
      </button>
    </div>
  );
}

function PhotosAway() {
  const { photosAway, photosAwayHelp } = words.value;
  return (
    <div class="hollow">
      <h2>{photosAway}</h2>
      <p>{photosAwayHelp}</p>
    </div>
  );
}
