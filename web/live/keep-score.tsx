import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { FormEvent, ReactNode } from "react";
import type { Api } from "millrace/client";
import { useClient } from "millrace/react";
import { addressOf } from "../base.ts";
import { useChanged } from "./changed.ts";
import { createKeeper, overlay } from "./keeper.ts";
import type { Keeper } from "./keeper.ts";
import { sortMatches } from "./match.ts";
import type { Match } from "./match.ts";
import { SCORES, useMatches } from "./matches.ts";
import { onLiveLink } from "./place.ts";
import { Wire } from "./wire.tsx";

/** The scorekeeper's side: begins matches and keeps their score. Each press is one event of the stream. */
export function KeepScore(): ReactNode {
  const { api } = useClient();
  const keeper = useMemo(() => createKeeper(publisher(api)), [api]);
  const { drafts, error } = useSyncExternalStore(keeper.subscribe, keeper.getSnapshot);
  const { status, matches, cursor, store } = useMatches(SCORES);
  useEffect(() => keeper.settle(cursor), [keeper, cursor, drafts]);
  const shown = sortMatches(overlay(matches, drafts));
  return (
    <>
      <div className="live-title">
        <h1>Keep a score</h1>
        <a className="button is-line" href={addressOf("/live/scoreboard")} onClick={onLiveLink}>
          The board
        </a>
      </div>
      <Begin onBegin={(match) => keeper.change(match)} />
      <p className="live-error" role="status">
        {error !== undefined && `Not saved. ${error}`}
      </p>
      <section className="panel" aria-label="Matches">
        <Wire stream={SCORES} kind="state" store={store} />
        {shown.length > 0 ? (
          <ul className="keeping">
            {shown.map((match) => (
              <Keeping key={match.key} match={match} keeper={keeper} />
            ))}
          </ul>
        ) : (
          status !== "loading" && <p className="nothing">The matches that you begin stand here.</p>
        )}
      </section>
    </>
  );
}

function Begin({ onBegin }: { onBegin: (match: Match) => void }): ReactNode {
  const [home, setHome] = useState("");
  const [away, setAway] = useState("");
  function submit(event: FormEvent): void {
    event.preventDefault();
    const teams = [home.trim(), away.trim()] as const;
    if (teams.includes("")) return;
    const now = Date.now();
    const key = now.toString(36) + Math.random().toString(36).slice(2, 6);
    onBegin({ key, teams, home: 0, away: 0, status: "live", began: now, at: now });
    setHome("");
    setAway("");
  }
  return (
    <form className="begin" onSubmit={submit}>
      <label>
        Home
        <input value={home} maxLength={40} required onChange={(event) => setHome(event.target.value)} />
      </label>
      <label>
        Away
        <input value={away} maxLength={40} required onChange={(event) => setAway(event.target.value)} />
      </label>
      <button type="submit" className="button is-primary">
        Begin the match
      </button>
    </form>
  );
}

function Keeping({ match, keeper }: { match: Match; keeper: Keeper }): ReactNode {
  const isLive = match.status === "live";
  const change = (how: (now: Match) => Partial<Match>) =>
    keeper.change(match, (now) => ({ ...now, ...how(now), at: Date.now() }));
  return (
    <li className="keep" data-key={match.key}>
      <Count
        name={match.teams[0]}
        score={match.home}
        isOpen={isLive}
        onStep={(step) => change((now) => ({ home: Math.max(0, now.home + step) }))}
      />
      <Count
        name={match.teams[1]}
        score={match.away}
        isOpen={isLive}
        onStep={(step) => change((now) => ({ away: Math.max(0, now.away + step) }))}
      />
      <p className="keep-foot">
        <span>{isLive ? "Playing" : "Full time"}</span>
        <button
          type="button"
          className="button is-line"
          onClick={() => change(() => ({ status: isLive ? "ended" : "live" }))}
        >
          {isLive ? "Full time" : "Play on"}
        </button>
        <button type="button" className="button is-plain" onClick={() => keeper.remove(match.key)}>
          Remove
        </button>
      </p>
    </li>
  );
}

interface CountProps {
  name: string;
  score: number;
  isOpen: boolean;
  onStep: (step: 1 | -1) => void;
}

function Count({ name, score, isOpen, onStep }: CountProps): ReactNode {
  const ref = useChanged<HTMLOutputElement>(score);
  return (
    <p className="count">
      <span className="match-team">{name}</span>
      <button
        type="button"
        className="button is-line count-step"
        aria-label={`${name}: one less`}
        disabled={!isOpen || score <= 0}
        onClick={() => onStep(-1)}
      >
        −
      </button>
      <output className="match-score" ref={ref} aria-label={`${name}: score`}>
        {score}
      </output>
      <button
        type="button"
        className="button is-line count-step"
        aria-label={`${name}: one more`}
        disabled={!isOpen}
        onClick={() => onStep(1)}
      >
        +
      </button>
    </p>
  );
}

/** Publishes through the public API. The stream is made a table before the first event; where it is one, that changes nothing. */
function publisher(api: Api): (event: object) => Promise<string> {
  let made: Promise<unknown> | undefined;
  return async (event) => {
    made ??= api.send("PUT", `/v1/streams/${SCORES}`, { kind: "state" });
    try {
      await made;
    } catch (reason) {
      made = undefined;
      throw reason;
    }
    const { cursor } = (await api.send("POST", `/v1/streams/${SCORES}`, event)) as { cursor: string }; // PROTOCOL.md "Streams"
    return cursor;
  };
}
