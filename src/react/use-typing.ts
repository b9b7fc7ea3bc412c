import type { HeardSignal } from "../client/live.ts";
import { useSignals } from "./use-signals.ts";

/** Who types, and how to say that one does. */
export interface UseTyping<Data> {
  typing: readonly HeardSignal<Data>[];
  /** To be called with each change of the text: it is sent at most each three seconds. */
  type: (data?: Data) => void;
  /** To be called when the text was sent or is empty. */
  stop: () => void;
}

/** Follows who types in a stream, in other windows. Who stops, leaves or dies is gone within six seconds. */
export function useTyping<Data extends object>(stream: string): UseTyping<Data> {
  const { signals, send, stop } = useSignals<Data>(stream, "typing");
  return { typing: signals, type: send, stop };
}
