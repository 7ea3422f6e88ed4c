// Choices that this browser keeps. Without storage a choice holds for this visit.

const PREFIX = "vitrina.";

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
    // Nothing depends on it.
  }
}
