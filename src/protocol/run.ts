import type { EndReason, Entry, RunEvent, Timing, Usage } from "./event.ts";
import type { ErrorBody } from "./error.ts";
import { addPart } from "./part.ts";
import type { Said } from "./part.ts";

/** What the events of a run amount to. */
export interface RunState extends Said {
  run: string;
  model: string;
  status: "open" | "ended";
  /** When it was started, in Unix milliseconds. */
  at: number;
  reason?: EndReason;
  usage?: Usage;
  timing?: Timing;
  sha256?: string;
  error?: ErrorBody;
}

/** Folds the events of a run, in their order. Pure. */
export function foldRun(entries: readonly Entry[]): RunState {
  const state: RunState = { run: "", model: "", status: "open", text: "", at: 0 };
  for (const { data } of entries) {
    const event = JSON.parse(data) as RunEvent; // only the runner writes runs
    switch (event.type) {
      case "message-start":
        Object.assign(state, { run: event.run, model: event.model, at: event.at });
        break;
      case "message-continue":
        state.model = event.model;
        break;
      case "message-end": {
        const { type: _, message: __, ...end } = event;
        Object.assign(state, end, { status: "ended" });
        break;
      }
      default:
        addPart(state, event);
    }
  }
  return state;
}
