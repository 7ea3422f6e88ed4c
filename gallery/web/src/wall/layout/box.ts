// Places on the wall, in CSS pixels.

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Room {
  width: number;
  height: number;
  /** Between pictures. */
  gap: number;
}

/** On whole pixels. The edges are rounded, not the sizes, so that gaps stay as they are. */
export function whole({ x, y, width, height }: Box): Box {
  const left = Math.round(x);
  const top = Math.round(y);
  return {
    x: left,
    y: top,
    width: Math.round(x + width) - left,
    height: Math.round(y + height) - top,
  };
}

/** A picture alone, of this aspect: whole and in the middle, as large as the room allows. */
export function uncropped(aspect: number, room: Pick<Room, "width" | "height">): Box {
  const height = Math.min(room.height, room.width / aspect);
  const width = height * aspect;
  return whole({ x: (room.width - width) / 2, y: (room.height - height) / 2, width, height });
}
