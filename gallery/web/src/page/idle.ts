// After a while without pointer or key the bar fades; any activity brings it back.

const AFTER = 4_000;

export function followLife(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    document.body.classList.remove("still");
    timer = setTimeout(() => document.body.classList.add("still"), AFTER);
  };
  for (const sign of ["pointermove", "pointerdown", "keydown", "wheel", "focusin"]) {
    addEventListener(sign, alive, { passive: true });
  }
  alive();
}
