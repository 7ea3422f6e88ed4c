// Choices that this browser keeps. Without storage a choice holds for this visit.

const PREFIX = "vitrina.";

/** This browser's own storage; null if it has none. */
export function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Losing it does no harm.
  }
}
