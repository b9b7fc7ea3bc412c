import type { EndReason, Timing, Usage } from "../protocol/event.ts";
import { runStream } from "../protocol/names.ts";
import type { Provider } from "./provider.ts";
import type { RunLease } from "./run-limits.ts";
import type { RunEnded, RunLook, Stall } from "./run-reports.ts";
import type { RunPlace } from "./run-start.ts";
import type { RunWriter } from "./run-writer.ts";
import type { ToolCalls } from "./tool-calls.ts";
import type { Toolbox } from "./tool.ts";

/** A run that this process is generating. */
export interface OpenRun extends RunPlace {
  id: string;
  startedAt: number;
  firstAt?: number;
  lastAt: number;
  deltas: number;
  /** Silences of the model amid its answer. */
  stalls?: Stall[];
  /** How the JSON of its deltas begins. */
  textHead: string;
  reasoningHead: string;
  texts: string[];
  /** How many of the texts the model was told already. */
  told: number;
  /** What it has called; absent until it calls something. */
  calls?: ToolCalls;
  /** What the server runs for it; absent: who started it runs its tools. */
  toolbox?: Toolbox | undefined;
  owner?: string | undefined;
  /** Its tools are running, or wait for a person: the model has nothing to say. */
  isWaiting: boolean;
  /** How long it was so, in milliseconds. */
  waitedMs: number;
  /** The model has begun to say something in this step. */
  hasBegun: boolean;
  writer: RunWriter;
  abort: AbortController;
  isOver: boolean;
  /** Another process may go on with it. */
  mayMove: boolean;
  /** Resolves when its end is committed, or was said elsewhere. */
  ending?: Promise<void>;
  onLeft: () => void;
  /** What it cost is counted for its owner. */
  lease: RunLease | undefined;
  model: string | undefined;
  request: string | undefined;
  /** Why it is over, once that is known. */
  reason?: EndReason;
  error?: string | undefined;
  usage?: Usage;
}

/** What a message says already, before a run goes on with it. */
export function continueText(
  run: OpenRun,
  provider: Provider,
  { text, tail }: { text: string; tail: string },
): void {
  run.texts.push(text.slice(0, text.length - tail.length), tail);
  // One that cannot continue is told the tail by a message of its own.
  run.told = provider.canContinue === true ? 1 : 2;
}

/** Whether a run writes into a stream of its own, which its end closes. */
export function isOwnStream(run: string, { stream }: RunPlace): boolean {
  return stream === runStream(run);
}

/** How long a run has taken, and how fast it speaks. `at`: now, in Unix milliseconds. */
export function timingOf(run: OpenRun, at: number, usage?: Usage): Timing {
  const result: Timing = { totalMs: at - run.startedAt };
  if (run.firstAt === undefined) return result;
  result.firstTokenMs = run.firstAt - run.startedAt;
  const tokens = (usage?.outputTokens ?? run.deltas) - 1;
  const seconds = (run.lastAt - run.firstAt - run.waitedMs) / 1_000;
  if (tokens > 0 && seconds > 0) result.tokensPerSecond = Math.round((tokens / seconds) * 10) / 10;
  return result;
}

/** What is told of a run while it goes on. */
export function lookOf(run: OpenRun): RunLook {
  const { id, stream, model, request, startedAt, firstAt, lastAt, deltas, stalls } = run;
  return { run: id, stream, model, request, startedAt, firstAt, lastAt, deltas, stalls };
}

/** What is told of a run that is over. `endedAt`: in Unix milliseconds. */
export function reportOf(run: OpenRun, endedAt: number): RunEnded {
  const { usage, error, reason = "moved" } = run;
  return { ...lookOf(run), endedAt, usage, error, reason };
}
