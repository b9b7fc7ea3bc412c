import { useMemo } from "react";
import type { Store } from "millrace/client";
import type { StreamStateView } from "millrace/client/live";
import { liveOf } from "millrace/client/live";
import { useClient, useStreamState } from "millrace/react";
import { readMatch, sortMatches } from "./match.ts";
import type { Match } from "./match.ts";

/** The matches that people keep, and those that the demo plays. */
export const SCORES = "scores";
export const DEMO_SCORES = "demo/scores";

/** What a board shows. */
export interface Matches {
  status: "loading" | "ready" | "ended";
  matches: readonly Match[];
  cursor: string | undefined;
  store: Store<StreamStateView<object>>;
}

/** Follows the matches of a stream. */
export function useMatches(stream: string): Matches {
  const { status, entries, cursor } = useStreamState<object>(stream);
  const matches = useMemo(
    () => sortMatches([...entries.values()].flatMap((event) => readMatch(event) ?? [])),
    [entries],
  );
  return { status, matches, cursor, store: liveOf(useClient()).state<object>(stream) };
}
