/** A simulated match, as the stream `demo/scores` says it. Shape: what web/live/match.ts reads. */
export interface SimulatedMatch {
  type: "score";
  /** Its place on the board: the next match takes it over. */
  key: string;
  teams: [home: string, away: string];
  home: number;
  away: number;
  clock: string;
  status: "live" | "ended";
  began: number;
  at: number;
  simulated: true;
}

/** Matches that are played at the same time, and how they go on. */
export interface Season {
  /** One step of the clock: what has changed. */
  advance: (now: number) => SimulatedMatch[];
  readonly keys: readonly string[];
}

export interface SeasonOptions {
  /** Between 0 and 1. */
  random: () => number;
  now: number;
  /** How many at a time. Default 9. */
  matches?: number;
}

/** Clubs that are nowhere: words of the mill. */
const CLUBS = `
  Weir Town, Sluice Rovers, Headrace, Tailrace Athletic, Millpond, Penstock, Leat Albion, Spillway City, Floodgate,
  Undershot, Overshot United, Millbrook, Watermark, Race End, Paddlewheel, Gristmill, Millstone, Fishladder,
  Stillwater, Rapids, Eddy Park, Confluence`
  .split(",")
  .map((name) => name.trim());
const FULL_TIME = 90;
/** Of each side, in each minute. */
const GOAL_CHANCE = 0.016;
/** Minutes for which a result stands before the next match begins in its place. */
const REST = 12;

interface Playing {
  match: SimulatedMatch;
  minute: number;
}

/** Makes matches that are made up, a minute at each step. Pure but for the randomness that it is handed. */
export function createSeason({ random, now, matches = 9 }: SeasonOptions): Season {
  const playing: Playing[] = [];
  for (let place = 1; place <= matches; place++) {
    const match = begin(`match-${place}`, now);
    // They have begun at different times, and have a history.
    const minute = Math.floor(random() * FULL_TIME);
    for (let past = 0; past < minute; past++) play(match);
    match.clock = clockAt(minute);
    playing.push({ match, minute });
  }

  function begin(key: string, at: number): SimulatedMatch {
    const busy = new Set(
      playing.filter(({ match }) => match.key !== key).flatMap(({ match }) => match.teams),
    );
    const free = CLUBS.filter((club) => !busy.has(club));
    const home = free.splice(Math.floor(random() * free.length), 1)[0] ?? "Home";
    const away = free[Math.floor(random() * free.length)] ?? "Away";
    return {
      type: "score",
      key,
      teams: [home, away],
      home: 0,
      away: 0,
      clock: clockAt(0),
      status: "live",
      began: at,
      at,
      simulated: true,
    };
  }

  function play(match: SimulatedMatch): void {
    if (random() < GOAL_CHANCE) match.home += 1;
    if (random() < GOAL_CHANCE) match.away += 1;
  }

  return {
    keys: playing.map(({ match }) => match.key),
    advance(at) {
      const changed: SimulatedMatch[] = [];
      for (const one of playing) {
        one.minute += 1;
        if (one.minute > FULL_TIME + REST) Object.assign(one, { match: begin(one.match.key, at), minute: 0 });
        else if (one.minute > FULL_TIME) continue;
        else {
          play(one.match);
          one.match.clock = clockAt(one.minute);
          if (one.minute === FULL_TIME) one.match.status = "ended";
        }
        changed.push({ ...one.match, at });
      }
      return changed;
    },
  };
}

function clockAt(minute: number): string {
  return `${minute}′`;
}
