import { useEffect, useRef, useState } from "react";
import type { ChatView, ConnectionView, StreamError } from "millrace/client";
import { useChats } from "millrace/react";
import { useElapsed } from "./elapsed.ts";

/** A shorter cut is shown by the dot alone. */
const QUIET_CUT_MS = 2_000;
const BACK_MS = 3_000;

/** What a reader has to know of the connection. */
export interface Cut {
  /** It has been away for longer than passes unseen. */
  isCut: boolean;
  /** For a moment after such a cut: how many tokens came late. */
  late: number | undefined;
}

export function useCut(connection: ConnectionView, caughtUp?: ChatView["caughtUp"]): Cut {
  const { status, since } = connection;
  const isAway = status === "reconnecting" || status === "connecting";
  const isCut = useElapsed(isAway ? since : undefined, QUIET_CUT_MS);
  const wasLong = useRef(false);
  useEffect(() => {
    // What was told of the last cut stands until the next begins.
    if (isAway) wasLong.current = isCut;
  }, [isAway, isCut]);
  const isOver = useElapsed(caughtUp?.at, BACK_MS);
  const isNews = status === "open" && wasLong.current && caughtUp !== undefined && caughtUp.at >= since;
  return { isCut, late: isNews && !isOver ? caughtUp.tokens : undefined };
}

/** Why the list of chats cannot be found: a refusal at once, what may pass after a while. */
export function useListError(): StreamError | undefined {
  const { error } = useChats();
  const isAway = error?.isRetryable === true;
  const [since, setSince] = useState<number>();
  useEffect(() => setSince(isAway ? Date.now() : undefined), [isAway]);
  const isLong = useElapsed(since, QUIET_CUT_MS);
  return isAway && !isLong ? undefined : error;
}
