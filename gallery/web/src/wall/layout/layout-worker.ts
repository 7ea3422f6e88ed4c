// Lays the wall out away from the main thread: many cameras take a while.

import { layout, type Layout } from "./layout";
import type { Question } from "./placing";

export function answer({ aspects, room, bar, before }: Question): Layout {
  const whole = layout(aspects, room, before);
  if (!whole.tall || bar === 0) return whole;
  // Beside its scrollbar it may just fit, and without that again not: it keeps it.
  return { ...layout(aspects, { ...room, width: room.width - bar }, before), tall: true };
}

if (typeof document === "undefined") {
  onmessage = (event: MessageEvent<Question>) => postMessage(answer(event.data));
}
