import type { OpenWriter, Log } from "../log/log.ts";
import { StreamError } from "../protocol/error.ts";
import type { MessageContinue } from "../protocol/event.ts";
import { partsOf } from "../protocol/part.ts";
import type { Said } from "../protocol/part.ts";
import type { PromptMessage } from "./provider.ts";
import { readRun } from "./run-reader.ts";
import type { RunPlace } from "./run-start.ts";

/** A run whose process is gone, as its stream tells it. */
export interface DeadRun extends RunPlace {
  id: string;
  /** The epoch of its writer in which it was left. */
  epoch: number;
  model: string;
  /** What its model was told. */
  messages: readonly PromptMessage[];
  /** What it said when it was found. */
  said: Said;
  /** Reads what it says now; undefined: it has ended meanwhile. */
  readSaid: () => Promise<Said | undefined>;
}

export type TakeoverOutcome =
  /** It goes on here. */
  | { status: "taken"; ended: Promise<void> }
  /** Another process has it, or has to look after it, or it has ended. */
  | { status: "elsewhere" }
  /** It cannot go on: whoever asks is to end it. */
  | { status: "refused" };

/** How often a run may be gone on with: what kills each process that takes it must end. */
export const MAX_TAKEOVERS = 3;

/** The claim outlives whatever asks for it late. */
const CLAIM_MS = 24 * 3_600_000;

/** Reads a run of a stream of its own. Undefined: not all that its model was told stands there, so nobody can go on with it. */
export async function readDeadRun(log: Log, { id, epoch, stream }: OpenWriter): Promise<DeadRun | undefined> {
  const read = await readRun(log, stream);
  const start = read?.start;
  if (read === undefined || start?.whole !== true || start.prompt === undefined) return undefined;
  // What a dead process did with its tools is not known.
  if (read.state.parts !== undefined) return undefined;
  return {
    id,
    epoch,
    stream,
    message: start.message,
    model: start.model,
    messages: [{ role: "user", text: start.prompt }],
    said: read.state,
    async readSaid() {
      const now = await readRun(log, stream);
      return now?.state.status === "open" ? now.state : undefined;
    },
  };
}

/** Whether a model can go on behind this. A tool that was called may have done what must not be done twice. */
export function canGoOn(said: Said): boolean {
  return !partsOf(said).some(({ type }) => type === "tool" || type === "step-start");
}

/** Makes a dead run's next epoch this process's. Of all who try, one gets it, and from then on every write of the former is refused.
 *  Done:   `message-continue` is committed; what the stream holds below it is all there will ever be of the former.
 *  Errors: those of the log; after `log-unavailable` it may be this process's. */
export async function claimRun(
  log: Log,
  { id, epoch, stream, message, model }: DeadRun,
  at: number,
): Promise<boolean> {
  const event: MessageContinue = { type: "message-continue", message, run: id, model, at };
  const digest = crypto.randomUUID();
  const claim = () =>
    log.append(stream, [{ data: JSON.stringify(event) }], {
      writer: { id, epoch: epoch + 1, seq: 0 },
      // Two that claim send the same step, which the log would answer alike: the key tells them apart, in the same commit.
      key: { id: `takeover ${id} ${epoch}`, digest, expiresAt: at + CLAIM_MS },
    });
  const outcome = await claim().catch((error: unknown) => {
    if (error instanceof StreamError && error.code === "log-unavailable") return claim();
    throw error;
  });
  return outcome.status === "appended" || outcome.status === "replayed";
}
