// What a film and its worker say to each other.

/** The pictures that are wanted now, the next ones first; those asked for before are not. */
export type FilmAsk = { at: number; url: string }[];

export interface FilmAnswer {
  at: number;
  /** Null if it cannot be shown. */
  picture: ImageBitmap | null;
}
