// Which cameras somebody may see: patterns such as `house/*`, `*/door` and `*`, as
// `access/src/cameras.rs` reads them.

/** Whether one of the patterns means the camera; null means every one. */
export function sees(patterns: readonly string[] | null, camera: string): boolean {
  return patterns === null || patterns.some((pattern) => matches(pattern, camera));
}

function matches(pattern: string, camera: string): boolean {
  const [node = "", name] = pattern.split("/");
  const [ofNode = "", ofName = ""] = camera.split("/");
  return part(node, ofNode) && (name === undefined ? node === "*" : part(name, ofName));
}

/** Its first and last words where they must be, those between stars as early as possible. */
function part(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return first === name;
  if (!name.startsWith(first)) return false;
  let left = name.slice(first.length);
  const last = rest.pop()!;
  for (const word of rest) {
    const at = left.indexOf(word);
    if (at < 0) return false;
    left = left.slice(at + word.length);
  }
  return left.endsWith(last);
}

/**
 * The patterns with a camera, or without it. `all` are the cameras there are: what a pattern meant
 * together with the one that is taken away is named one by one. Cameras that come later are never
 * among what was chosen one by one.
 */
export function toggled(
  patterns: readonly string[] | null,
  camera: string,
  all: readonly string[],
): string[] {
  if (!sees(patterns, camera)) return [...(patterns ?? []), camera];
  const broken = (patterns ?? ["*"]).filter((pattern) => matches(pattern, camera));
  const kept = (patterns ?? []).filter((pattern) => !matches(pattern, camera));
  const named = all.filter(
    (other) => other !== camera && sees(broken, other) && !sees(kept, other),
  );
  return [...kept, ...named];
}
