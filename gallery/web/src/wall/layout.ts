// The wall: each tile has the shape of its picture, the order is fixed, and the list is broken
// into the rows that show most picture.

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  /** One for each tile, in whole pixels. */
  boxes: Box[];
  /** Where rows after the first begin. */
  breaks: number[];
  /** The rows are taller than the room: it scrolls. */
  tall: boolean;
}

export interface Room {
  width: number;
  height: number;
  /** Between pictures, in pixels. */
  gap: number;
  /** How much of a picture may be cut to reach the edges, 0 to 1. */
  crop: number;
  /** Under this width of the narrowest tile the wall scrolls instead. */
  least: number;
}

/** A new way to break the rows must be this much better than the old one. */
const BETTER = 1.04;

/** With more tiles than this only balanced rows are tried. */
const ALL_WAYS = 14;

/**
 * Places tiles of these aspects (width / height). `before` are the row breaks to keep unless
 * others are clearly better, so that the wall does not flicker when a camera comes or goes.
 */
export function layout(aspects: number[], room: Room, before?: number[] | null): Layout {
  if (aspects.length === 0) return { boxes: [], breaks: [], tall: false };
  const space = { ...room, width: Math.max(1, room.width), height: Math.max(1, room.height) };
  let best: Rows | undefined;
  for (const breaks of ways(aspects)) {
    const rows = weigh(aspects, breaks, space);
    if (!best || rows.score > best.score) best = rows;
  }
  if (before) {
    const old = weigh(aspects, before, space);
    if (!best || best.score <= old.score * BETTER) best = old;
  }
  if (!best || best.narrowest < room.least) best = scrolling(aspects, space);
  return place(aspects, best, space);
}

/**
 * The breaks of earlier rows of names for the names of now: who stayed stays in the row, who came
 * joins the row of the one before. Null when the order is another one.
 */
export function carry(rows: string[][], names: string[]): number[] | null {
  const rowOf = new Map(rows.flatMap((row, i) => row.map((name) => [name, i] as const)));
  const breaks: number[] = [];
  let current = 0;
  for (const [i, name] of names.entries()) {
    const row = rowOf.get(name) ?? current;
    if (row < current) return null;
    if (row > current && i > 0) breaks.push(i);
    current = row;
  }
  return breaks;
}

/** A list cut into rows at the breaks. */
export function cut<T>(list: T[], breaks: number[]): T[][] {
  return [0, ...breaks].map((from, i) => list.slice(from, breaks[i] ?? list.length));
}

interface Rows {
  breaks: number[];
  /** Of each row. */
  heights: number[];
  /** By how much a tile is wider than its aspect says. */
  stretch: number;
  narrowest: number;
  score: number;
}

function weigh(aspects: number[], breaks: number[], room: Room): Rows {
  const rows = cut(aspects, breaks);
  const high = room.height - room.gap * (rows.length - 1);
  const heights = rows.map(
    (row) => Math.max(1, room.width - room.gap * (row.length - 1)) / sum(row),
  );
  const shrink = Math.min(1, Math.max(1, high) / sum(heights));
  let area = 0;
  let smallest = Infinity;
  let largest = 0;
  let narrowest = Infinity;
  for (const [i, row] of rows.entries()) {
    const height = (heights[i] ?? 0) * shrink;
    for (const aspect of row) {
      const size = aspect * height ** 2;
      area += size;
      smallest = Math.min(smallest, size);
      largest = Math.max(largest, size);
      narrowest = Math.min(narrowest, aspect * height);
    }
  }
  // Rows that were shrunk leave the sides free, others the head and the foot.
  const give = 1 / (1 - room.crop);
  const fill = Math.min(shrink < 1 ? 1 / shrink : high / sum(heights), give);
  return {
    breaks,
    heights: heights.map((height) => height * shrink * (shrink < 1 ? 1 : fill)),
    stretch: shrink < 1 ? fill : 1 / fill,
    narrowest: narrowest * (shrink < 1 ? fill : 1),
    score: ((area * fill) / (room.width * room.height)) * (smallest / largest) ** 0.12,
  };
}

function* ways(aspects: number[]): Generator<number[]> {
  const count = aspects.length;
  if (count <= ALL_WAYS) {
    for (let mask = 0; mask < 1 << (count - 1); mask++) {
      const breaks: number[] = [];
      for (let i = 0; i < count - 1; i++) if ((mask >> i) & 1) breaks.push(i + 1);
      yield breaks;
    }
    return;
  }
  const total = sum(aspects);
  for (let rows = 1; rows <= count; rows++) {
    const breaks: number[] = [];
    let passed = 0;
    for (const [i, aspect] of aspects.slice(0, -1).entries()) {
      passed += aspect;
      const due = (total * (breaks.length + 1)) / rows - aspect / 2;
      if (breaks.length < rows - 1 && passed >= due) breaks.push(i + 1);
    }
    yield breaks;
  }
}

/** As many in each row as are wide enough to read, over the full width. */
function scrolling(aspects: number[], room: Room): Rows {
  const each = Math.max(1, Math.floor(room.width / room.least));
  const breaks: number[] = [];
  for (let i = each; i < aspects.length; i += each) breaks.push(i);
  const heights = cut(aspects, breaks).map(
    (row) => (room.width - room.gap * (row.length - 1)) / sum(row),
  );
  return { breaks, heights, stretch: 1, narrowest: room.least, score: 0 };
}

function place(aspects: number[], rows: Rows, room: Room): Layout {
  const tall = sum(rows.heights) + room.gap * rows.breaks.length;
  const boxes: Box[] = [];
  let y = Math.max(0, (room.height - tall) / 2);
  for (const [i, row] of cut(aspects, rows.breaks).entries()) {
    const height = rows.heights[i] ?? 0;
    const free = room.width - room.gap * (row.length - 1);
    const wide = sum(row) * height * rows.stretch;
    const fit = Math.min(1, free / wide);
    let x = (free - wide * fit) / 2;
    for (const aspect of row) {
      const width = aspect * height * rows.stretch * fit;
      boxes.push(whole({ x, y, width, height }));
      x += width + room.gap;
    }
    y += height + room.gap;
  }
  return { boxes, breaks: rows.breaks, tall: tall > room.height + 1 };
}

/** The edges are rounded, not the sizes, so that gaps stay as they are. */
function whole(box: Box): Box {
  const x = Math.round(box.x);
  const y = Math.round(box.y);
  return {
    x,
    y,
    width: Math.round(box.x + box.width) - x,
    height: Math.round(box.y + box.height) - y,
  };
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
