// A name on one line. Where a long one has no room, its middle is left out. What it stands in says
// it to screen readers, which would read a cut word as two.

import { halves } from "../words/cut";

export function Name({ name, title = name }: { name: string; title?: string }) {
  const [begin, end] = halves(name);
  // A name of Arabic begins at the right, and is cut from there.
  return (
    <span class={end ? "name cut" : "name"} dir="auto" title={title}>
      {end ? (
        <>
          <span>{begin}</span>
          <span>{end}</span>
        </>
      ) : (
        begin
      )}
    </span>
  );
}
