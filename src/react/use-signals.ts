import { useSyncExternalStore } from "react";
import { liveOf } from "../client/live.ts";
import type { HeardSignal, SignalsStore } from "../client/live.ts";
import { useClient } from "./context.ts";

/** What others say at this moment, and how to say it. */
export type UseSignals<Data> = { signals: readonly HeardSignal<Data>[] } & Pick<
  SignalsStore<Data>,
  "send" | "stop"
>;

/** Hears signals of one kind in a stream, of the type that the caller names, while the component is there; `send` and `stop` stay the
 *  same functions. What this window sends is not among them.
 *  Source: docs/guide/typing-and-presence.md. */
export function useSignals<Data extends object>(stream: string, kind: string): UseSignals<Data> {
  const { subscribe, getSnapshot, send, stop } = liveOf(useClient()).signals<Data>(stream, kind);
  return { signals: useSyncExternalStore(subscribe, getSnapshot, getSnapshot), send, stop };
}
