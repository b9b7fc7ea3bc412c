import type { Figures } from "millrace/protocol";

/** One figure of the server, and how it is said. */
export interface Figure {
  name: string;
  /** What it is, in a few words. */
  line: string;
  /** Undefined: there is none of this second. */
  read: (figures: Figures) => number | undefined;
  say: (value: number) => Said;
}

export interface Said {
  value: string;
  unit: string;
}

export const FIGURES: readonly Figure[] = [
  {
    name: "Readers",
    line: "event connections that are open",
    read: ({ readers }) => readers,
    say: plain(""),
  },
  {
    name: "Behind",
    line: "readers that have not got all of it",
    read: ({ behind }) => behind,
    say: plain(""),
  },
  { name: "Events", line: "given to the log", read: ({ events }) => events, say: plain("/s") },
  { name: "Sent", line: "to readers", read: ({ bytes }) => bytes, say: (bytes) => sayBytes(bytes, "/s") },
  { name: "Runs", line: "answers being written", read: ({ runs }) => runs, say: plain("") },
  {
    name: "First token",
    line: "how long an answer took to begin",
    read: ({ firstTokenMs }) => firstTokenMs,
    say: plain(" ms"),
  },
  {
    name: "Event loop",
    line: "how late, 99 times in 100 at most",
    read: ({ loopMs }) => loopMs,
    say: (ms) => ({ value: ms.toFixed(1), unit: " ms" }),
  },
  {
    name: "Memory",
    line: "of the process",
    read: ({ memory }) => memory,
    say: (bytes) => sayBytes(bytes, ""),
  },
];

function plain(unit: string): (value: number) => Said {
  return (value) => ({ value: Math.round(value).toLocaleString("en"), unit });
}

/** Bytes with three figures at most. */
export function sayBytes(bytes: number, per: string): Said {
  const units = ["B", "KB", "MB", "GB"];
  let [value, unit] = [bytes, 0];
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1_024;
  const places = unit === 0 || value >= 99.5 ? 0 : 1;
  return { value: value.toFixed(places), unit: ` ${units[unit]}${per}` };
}

/** Reads an event of `sys/server`. The server alone writes it, but a newer one may say it otherwise. */
export function readFigures(event: object): Figures | undefined {
  const figures = event as Partial<Figures>;
  const { type, at, readers, behind, events, bytes, runs, loopMs, heap, memory } = figures;
  const all = [at, readers, behind, events, bytes, runs, loopMs, heap, memory];
  const isWhole = type === "figures" && all.every((value) => typeof value === "number");
  return isWhole ? (figures as Figures) : undefined; // checked above
}
