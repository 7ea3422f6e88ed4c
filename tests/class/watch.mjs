// What the class's projector shows, as a program reads it.

/** Follows what passes at a class: `now` is what was told last. */
export async function watch(http) {
  const end = new AbortController();
  const shown = { now: {}, end: () => end.abort() };
  const answer = await fetch(new URL('/class/live', http), { signal: end.signal });
  const read = async () => {
    let text = '';
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      const events = (text + part).split('\n\n');
      text = events.pop();
      if (events.length > 0) shown.now = JSON.parse(events.at(-1).replace(/^data: /, ''));
    }
  };
  read().catch(() => {});
  return shown;
}
