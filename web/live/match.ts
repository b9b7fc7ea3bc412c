/** A match, as an event of the streams `scores` and `demo/scores` says it. */
export interface Match {
  key: string;
  teams: readonly [home: string, away: string];
  home: number;
  away: number;
  /** What the clock says, such as `63′`. */
  clock?: string;
  status: "live" | "ended";
  /** Unix milliseconds: when it began, and when this was said. */
  began: number;
  at: number;
}

const MAX_NAME = 40;
const MAX_SCORE = 9_999;

/** Reads what somebody has published; undefined if it is no match. */
export function readMatch(event: object): Match | undefined {
  const { key, teams, home = 0, away = 0, clock, status, began, at } = event as Record<string, unknown>; // an object has members
  const names = Array.isArray(teams) ? teams : ["Home", "Away"];
  const [first, second] = names as unknown[];
  if (typeof key !== "string" || typeof first !== "string" || typeof second !== "string") return undefined;
  if (!isScore(home) || !isScore(away)) return undefined;
  return {
    key,
    teams: [first.slice(0, MAX_NAME), second.slice(0, MAX_NAME)],
    home,
    away,
    ...(typeof clock === "string" && { clock: clock.slice(0, 12) }),
    status: status === "ended" ? "ended" : "live",
    began: typeof began === "number" ? began : 0,
    at: typeof at === "number" ? at : 0,
  };
}

/** Those that are played first, then by their beginning: a score that changes moves nothing. */
export function sortMatches(matches: Iterable<Match>): Match[] {
  const rank = ({ status }: Match) => (status === "live" ? 0 : 1);
  return [...matches].sort(
    (a, b) => rank(a) - rank(b) || a.began - b.began || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  );
}

function isScore(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(Number(value)) <= MAX_SCORE;
}
