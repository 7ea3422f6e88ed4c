// The facts of a photo, in words.

import { exactly } from "../../words/dates";
import type { Photo } from "../photo";
import type { Words } from "../../words/words";

export interface Fact {
  name: string;
  lines: string[];
}

export function factsOf(photo: Photo, exif: Record<string, string>, words: Words): Fact[] {
  const { about } = words;
  const facts: Fact[] = [{ name: about.taken, lines: taken(photo, words) }];
  const say = (name: string, ...lines: (string | undefined)[]): void => {
    const said = lines.filter((line) => line !== undefined && line !== "") as string[];
    if (said.length > 0) facts.push({ name, lines: said });
  };
  say(about.from, photo.camera_name ?? photo.camera);
  say(about.by, photo.person?.name);
  say(about.with, device(exif));
  say(about.size, `${photo.width} × ${photo.height}, ${sizeName(photo.bytes, words.figures)}`);
  say(about.lens, lens(exif));
  say(about.file, photo.name);
  say(about.kept, photo.pinned ? about.forGood : about.notForGood);
  return facts;
}

function taken({ taken, time }: Photo, words: Words): string[] {
  const { about } = words;
  const how: Record<string, string> = {
    exif: about.takenExif,
    file: about.takenFile,
    browser: about.takenBrowser,
    received: about.takenReceived,
  };
  const why = how[time];
  return [...exactly(taken, words), ...(why ? [why] : [])];
}

/** `Canon EOS 90D`: many models repeat their maker. */
function device({ Make: make = "", Model: model = "" }: Record<string, string>): string {
  const first = make.split(" ")[0] ?? "";
  return model.toLowerCase().startsWith(first.toLowerCase()) ? model : `${make} ${model}`.trim();
}

function lens(exif: Record<string, string>): string {
  const { FocalLength, FNumber, ExposureTime } = exif;
  const iso = exif.PhotographicSensitivity ?? exif.ISOSpeedRatings ?? exif.ISO;
  const parts = [
    exif.LensModel,
    FocalLength && (/mm/.test(FocalLength) ? FocalLength : `${FocalLength} mm`),
    FNumber && (/^f/i.test(FNumber) ? FNumber : `f/${FNumber}`),
    ExposureTime && (/s$/.test(ExposureTime) ? ExposureTime : `${ExposureTime} s`),
    iso && (/iso/i.test(iso) ? iso : `ISO ${iso}`),
  ];
  return parts.filter(Boolean).join(", ");
}

/** `2.8 MB`. */
export function sizeName(bytes: number, figures: string): string {
  const [size, unit] =
    bytes >= 1e6 ? [bytes / 1e6, "MB"] : bytes >= 1e3 ? [bytes / 1e3, "kB"] : [bytes, "B"];
  const digits = unit === "MB" ? 1 : 0;
  return `${new Intl.NumberFormat(figures, { maximumFractionDigits: digits }).format(size)} ${unit}`;
}
