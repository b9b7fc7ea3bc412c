import { useEffect, useSyncExternalStore } from "react";
import { liveOf } from "../client/live.ts";
import type { PresenceView } from "../client/live.ts";
import { useClient } from "./context.ts";

/** Follows who is present in a stream. With `here` this browser is present too while the component is there, and says that of itself:
 *  `{}` says nothing. All tabs of a browser are one person.
 *  Source: docs/guide/typing-and-presence.md. */
export function usePresence<Data extends object>(stream: string, here?: Data): PresenceView<Data> {
  const { subscribe, getSnapshot, attend } = liveOf(useClient()).presence<Data>(stream);
  // An object that is made anew with each render says the same.
  const text = here && JSON.stringify(here);
  useEffect(() => (text === undefined ? undefined : attend(JSON.parse(text) as Data)), [attend, text]);
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
}
