// The rows of a wall for the cameras of now: who stayed stays in its row and line, who came joins
// those of the one before.

import { isPair, type Cell, type Row } from "./row";

/** Where a tile is: its row, the cell in it, and the line of a pair; -1 in no pair. */
type Place = readonly [row: number, cell: number, line: number];

/** `rows` of the names of before, for the names of now; null where the order is another one. */
export function carry(
  rows: readonly Row[],
  before: readonly string[],
  now: readonly string[],
): Row[] | null {
  if (rows.length === 0) return null;
  const places = new Map<string, Place>();
  for (const [i, row] of rows.entries()) {
    for (const [j, cell] of row.entries()) {
      if (!isPair(cell)) places.set(before[cell]!, [i, j, -1]);
      else
        for (const [k, line] of cell.entries())
          for (const t of line) places.set(before[t]!, [i, j, k]);
    }
  }
  const made: Cell[][] = rows.map(() => []);
  let pair: { place: Place; lines: [number[], number[]] } | null = null;
  const close = (): void => {
    if (!pair) return;
    const [above, below] = pair.lines;
    if (above.length > 0 && below.length > 0) made[pair.place[0]]!.push([above, below]);
    else made[pair.place[0]]!.push(...above, ...below);
    pair = null;
  };
  let last: Place = [0, -1, -1];
  for (const [tile, name] of now.entries()) {
    const place = places.get(name) ?? last;
    if (isBefore(place, last)) return null;
    last = place;
    const [row, cell, line] = place;
    if (pair && (pair.place[0] !== row || pair.place[1] !== cell)) close();
    if (line < 0) made[row]!.push(tile);
    else (pair ??= { place, lines: [[], []] }).lines[line as 0 | 1].push(tile);
  }
  close();
  return made.filter((row) => row.length > 0);
}

function isBefore(a: Place, b: Place): boolean {
  const at = a.findIndex((n, i) => n !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
}
