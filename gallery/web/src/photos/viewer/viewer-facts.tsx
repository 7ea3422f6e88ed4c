// The facts of the photo in the viewer.

import { useEffect, useState } from "preact/hooks";
import { onePhoto } from "../../net/api";
import { words } from "../../words/language";
import { factsOf } from "./facts";
import { named } from "../camera-name";
import type { Photo } from "../photo";

export function Facts({ photo }: { photo: Photo }) {
  const [exif, setExif] = useState<Record<string, string>>({});
  useEffect(() => {
    const stop = new AbortController();
    setExif({});
    onePhoto(photo.id, stop.signal)
      .then(({ exif }) => setExif(exif))
      // The facts from the list are still readable.
      .catch(() => {});
    return () => stop.abort();
  }, [photo.id]);
  return (
    <aside class="side">
      <dl>
        {factsOf(named(photo), exif, words.value).map(({ name, lines }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {lines.map((line) => (
                <span key={line}>{line}</span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </aside>
  );
}
