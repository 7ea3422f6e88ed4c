// Lines on a 24 grid. An icon stands alone only where it is older than this page.

const paths = {
  back: "m14.5 5-7 7 7 7",
  next: "m9.5 5 7 7-7 7",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  close: "m6 6 12 12M18 6 6 18",
  warn: "M3.5 12a8.5 8.5 0 1 0 17 0 8.500 8.500 0 1 0-17 0M12 7.500v5.500M12 16v.1",
};

export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg class="i" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
