import { memo } from "react";
import type { ReactNode } from "react";
import { useChanged } from "./changed.ts";
import type { Match } from "./match.ts";

/** One match of the board. A score that changes washes once. */
export const MatchCard = memo(function MatchCard({ match }: { match: Match }): ReactNode {
  const { teams, home, away, clock, status } = match;
  const isLive = status === "live";
  return (
    <li className="match" data-key={match.key} data-status={status}>
      <p className="match-clock">
        {isLive && <span className="match-dot" aria-hidden="true" />}
        {isLive ? (clock ?? "Playing") : "Full time"}
      </p>
      <Side name={teams[0]} score={home} isAhead={home > away} />
      <Side name={teams[1]} score={away} isAhead={away > home} />
    </li>
  );
});

function Side({ name, score, isAhead }: { name: string; score: number; isAhead: boolean }): ReactNode {
  const ref = useChanged<HTMLSpanElement>(score);
  return (
    <p className="match-side" data-ahead={isAhead}>
      <span className="match-team">{name}</span>
      <span className="match-score" ref={ref}>
        {score}
      </span>
    </p>
  );
}
