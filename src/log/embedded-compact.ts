import type { AppendOptions } from "./log.ts";
import { compactRecords } from "./record-entries.ts";
import type { Store, Write } from "./store.ts";
import type { StreamState } from "./stream-state.ts";
import { ignoreUnavailable } from "./unavailable.ts";

/** A chat's deltas are rewritten as segments when so many stand alone. */
const COMPACT_EVERY = 1_000;

export interface Compactor {
  /** Rewrites a chat's single deltas as segments, where that is due, so that coming back costs what the text costs. Offsets stay what they are. */
  onAppended(state: StreamState, options: AppendOptions): void;
}

/** Makes what compacts chats. `isCurrent`: whether a state still stands for its stream. */
export function createCompactor(
  store: Store,
  commit: (writes: readonly Write[]) => Promise<void>,
  isCurrent: (state: StreamState) => boolean,
): Compactor {
  const waiting = new Set<StreamState>();
  let compacting: Promise<void> | undefined;

  /** One stream after another, each once the one before is committed: many runs end at once, and what others write goes first. */
  async function compactAll(): Promise<void> {
    for (const state of waiting) {
      waiting.delete(state);
      if (!isCurrent(state)) continue;
      const { writes, next } = compactRecords(store, state.stored.number, state.looseFrom, state.info.head);
      state.looseFrom = next;
      // It changes no event: should it fail, the next one, or the stream's next loading, finds the same deltas again.
      await commit(writes).catch(ignoreUnavailable);
    }
  }

  return {
    onAppended(state, { close, endsWriter }) {
      const isOver = close === true || endsWriter !== undefined;
      if (!isOver && state.info.head - state.looseFrom + 1 < COMPACT_EVERY) return;
      waiting.add(state);
      compacting ??= compactAll().finally(() => (compacting = undefined));
    },
  };
}
