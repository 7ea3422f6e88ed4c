// Fetches and decodes the pictures of a film away from the page: those asked for last, in their order.

import type { FilmAnswer, FilmAsk } from "./film-messages";

/** Requests at once. */
const AT_ONCE = 4;

let queue: FilmAsk = [];
const running = new Set<number>();

onmessage = ({ data }: MessageEvent<FilmAsk>): void => {
  queue = data.filter(({ at }) => !running.has(at));
  pump();
};

function pump(): void {
  while (running.size < AT_ONCE) {
    const next = queue.shift();
    if (!next) return;
    running.add(next.at);
    void decode(next.url)
      .catch(() => null)
      .then((picture) => {
        running.delete(next.at);
        const answer: FilmAnswer = { at: next.at, picture };
        postMessage(answer, { transfer: picture ? [picture] : [] });
        pump();
      });
  }
}

async function decode(url: string): Promise<ImageBitmap | null> {
  const response = await fetch(url);
  return response.ok ? createImageBitmap(await response.blob()) : null;
}
