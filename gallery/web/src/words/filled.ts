// A sentence in which `{name}` stands for something that can be touched.

import type { ComponentChildren } from "preact";

export function filled(
  text: string,
  parts: Record<string, ComponentChildren>,
): ComponentChildren[] {
  return text.split(/\{(\w+)\}/).map((piece, i) => (i % 2 === 1 ? parts[piece] : piece));
}
