import type { ReactNode } from "react";
import { BASE, addressOf } from "../base.ts";
import { useMoved } from "./changed.ts";
import { MatchCard } from "./match-card.tsx";
import type { Match } from "./match.ts";
import { DEMO_SCORES, SCORES, useMatches } from "./matches.ts";
import { onLiveLink } from "./place.ts";
import { Publish } from "./publish.tsx";
import { Wire } from "./wire.tsx";

/** The public board: the matches that people keep, and below them those that the demo plays. */
export function Scoreboard(): ReactNode {
  const own = useMatches(SCORES);
  const demo = useMatches(DEMO_SCORES);
  return (
    <>
      <div className="live-title">
        <h1>Scoreboard</h1>
        <a className="button is-line" href={addressOf("/live/scoreboard/keep")} onClick={onLiveLink}>
          Keep a score
        </a>
      </div>
      <section className="panel" aria-label="Matches">
        <Wire stream={SCORES} kind="state" store={own.store} />
        {own.matches.length > 0 && <Board matches={own.matches} />}
        {own.status !== "loading" && own.matches.length === 0 && (
          <p className="nothing">
            Matches that somebody keeps stand here. Keep one yourself, or publish one with the command below.
          </p>
        )}
      </section>
      {demo.matches.length > 0 && (
        <section className="panel" aria-labelledby="simulated">
          <Wire stream={DEMO_SCORES} kind="state" store={demo.store} />
          <div className="panel-head">
            <h2 id="simulated">Simulated matches</h2>
            <p>No such game is played anywhere: the demo feed makes them up. --no-demo leaves them out.</p>
          </div>
          <Board matches={demo.matches} />
        </section>
      )}
      <Publish commands={scoreCommand(location.origin + BASE)} />
    </>
  );
}

function Board({ matches }: { matches: readonly Match[] }): ReactNode {
  const ref = useMoved<HTMLUListElement>(matches.map(({ key }) => key).join(" "));
  return (
    <ul className="board" ref={ref}>
      {matches.map((match) => (
        <MatchCard key={match.key} match={match} />
      ))}
    </ul>
  );
}

/** The second request moves the board; the first makes the stream a table, and changes nothing where it is one. */
export function scoreCommand(origin: string): string {
  const stream = `${origin}/v1/streams/${SCORES}`;
  const json = "-H 'Content-Type: application/json'";
  const event = { type: "score", key: "m1", teams: ["Otters", "Herons"], home: 2, away: 1, clock: "63′" };
  return [
    `curl -sX PUT ${stream} ${json} -d '{"kind":"state"}' &&`,
    `curl -sX POST ${stream} ${json} \\\n  -d '${JSON.stringify(event)}'`,
  ].join("\n");
}
