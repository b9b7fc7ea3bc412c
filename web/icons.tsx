import type { ReactNode } from "react";

const PATHS = {
  again: "M20 11a8 8 0 1 0-2.3 6.2M20 4v7h-7",
  ask: "M12 19V5M6 11l6-6 6 6",
  bell: "M6 17v-6a6 6 0 0 1 12 0v6l1.5 1.5h-15zM10 21h4",
  check: "M5 13l4.5 4.5L19 7",
  close: "M6 6l12 12M18 6L6 18",
  continue: "M6 5v14l6-7zM13 5v14l6-7z",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  cut: "M2 12h6M16 12h6M9.5 16l5-8",
  down: "M12 5v14M6 13l6 6 6-6",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  left: "M14 6l-6 6 6 6",
  logo: "M2 12h20M9 4v4.5M9 15.5V20M15 4v4.5M15 15.5V20",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M4 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0zM11 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0zM18 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0z",
  plus: "M12 5v14M5 12h14",
  right: "M10 6l6 6-6 6",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L20 20",
  stop: "M7 7h10v10H7z",
  trash: "M4 7h16M9 7V4h6v3M7 7l1 13h8l1-13",
  wire: "M2 12h5l3-6 4 12 3-6h5",
} as const;

/** An icon of the one set: 1.5 px lines on a grid of 24. Beside a word, or in a button with a label of its own. */
export function Icon({ name }: { name: keyof typeof PATHS }): ReactNode {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" className={name === "logo" ? "logo" : undefined}>
      <path d={PATHS[name]} />
    </svg>
  );
}
