// Reading JSON that others wrote.

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** The readable entries of a list; one bad entry does not hide the others. */
export function each<T>(list: unknown[], read: (raw: unknown) => T | null): T[] {
  return list.map(read).filter((value) => value !== null);
}
