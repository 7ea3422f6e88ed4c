// Lines on a 24 grid. An icon stands alone only if everybody already knows it.

const paths = {
  back: "m14.5 5-7 7 7 7",
  next: "m9.5 5 7 7-7 7",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  add: "M12 5v14M5 12h14",
  down: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  link: "M10 14a4 4 0 0 0 5.700 0l3.100-3.100a4 4 0 0 0-5.700-5.700L12 6.300M14 10a4 4 0 0 0-5.700 0l-3.100 3.100a4 4 0 0 0 5.700 5.700L12 17.700",
  pin: "M9 4h6l-.600 6 3.100 3.500h-11L9.600 10zM12 13.500V21",
  bin: "M5 7h14M10 7V4.500h4V7M7 7l.8 13h8.400L17 7",
  info: "M3.500 12a8.500 8.500 0 1 0 17 0 8.500 8.500 0 1 0-17 0M12 11v5M12 8v.1",
  photo:
    "M4 8.500h3.500L9 6h6l1.500 2.500H20V18.500H4zM8.800 13a3.200 3.200 0 1 0 6.400 0 3.200 3.200 0 1 0-6.400 0",
  cam: "M3.500 7.500h11v9h-11zM14.500 10.500l6-2.500v8l-6-2.500",
  send: "M12 19V5M6 11l6-6 6 6",
  pick: "M3.500 12a8.500 8.500 0 1 0 17 0 8.500 8.500 0 1 0-17 0M8 12.300l2.700 2.700 5.300-5.700",
  write: "M5 19h3.500L19 8.500 15.500 5 5 15.500zM13 7.500l3.500 3.500",
  play: "M7.500 5v14l11-7z",
  pause: "M9 5v14M15 5v14",
  share: "M12 15V4M8 7.500 12 3.500l4 4M6 11H5v9h14v-9h-1",
  close: "m6 6 12 12M18 6 6 18",
  warn: "M3.5 12a8.5 8.5 0 1 0 17 0 8.500 8.500 0 1 0-17 0M12 7.500v5.500M12 16v.1",
};

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="i" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
