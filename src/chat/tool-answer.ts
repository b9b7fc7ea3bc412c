import type { Log } from "../log/log.ts";
import { StreamError } from "../protocol/error.ts";
import type { ToolApprovalRespond } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";

/** A person's answer to a call that waits. */
export type ApprovalAnswer = Omit<ToolApprovalRespond, "type">;

/** Longer than a call waits, so that a second answer always meets the first. */
const KEY_MS = 48 * 3_600_000;

/** Answers a call, from whatever node: the answer is an event, and the owner of the run hears of it through the log. The first one holds.
 *  Done:   it is committed, or the same answer was before.
 *  Errors: `call-answered` 409 where another was first; `run-ended` 409 where the stream is closed; those of the log. */
export async function answerCall(
  log: Log,
  stream: StreamName,
  answer: ApprovalAnswer,
  now: number,
): Promise<"answered" | "repeated"> {
  const event: ToolApprovalRespond = { type: "tool-approval-respond", ...answer };
  const outcome = await log.append(stream, [{ data: JSON.stringify(event) }], {
    key: {
      id: `approval ${stream} ${answer.call}`,
      digest: String(answer.approved),
      expiresAt: now + KEY_MS,
    },
  });
  if (outcome.status === "appended") return "answered";
  if (outcome.status === "replayed") return "repeated";
  if (outcome.status === "key-reused") throw answered();
  throw new StreamError("run-ended", "The answer with this call has ended. Continue it, or ask again.");
}

/** Waits until somebody has answered a call.
 *  Errors: `tool-timeout` after `timeoutMs`; `log-unavailable` where the stream was deleted, or has lost what was in it; the signal's
 *          reason. */
export function waitForAnswer(
  log: Log,
  stream: StreamName,
  call: string,
  options: { signal: AbortSignal; timeoutMs: number; ask: () => void },
): Promise<ToolApprovalRespond> {
  const { signal, timeoutMs, ask } = options;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      unwatch();
      signal.removeEventListener("abort", onAbort);
      act();
    };
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an abort's reason is passed on as it is
    const onAbort = () => settle(() => reject(signal.reason));
    const timer = setTimeout(
      () =>
        settle(() =>
          reject(new StreamError("tool-timeout", "Nobody answered whether this call is allowed.")),
        ),
      timeoutMs,
    );
    const unwatch = log.watch(stream, (commit) => {
      if (commit.type !== "appended") {
        settle(() => reject(streamGone()));
        return;
      }
      for (const { data } of commit.entries) {
        if (!data.startsWith('{"type":"tool-approval-respond"')) continue;
        const event = JSON.parse(data) as ToolApprovalRespond; // written above
        if (event.call === call) settle(() => resolve(event));
      }
    });
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    else ask();
  });
}

/** The question may be gone, and so may an answer. */
function streamGone(): StreamError {
  return new StreamError(
    "log-unavailable",
    "The log has lost or deleted what was written here, so the call that waited for a person cannot be answered any more. Ask again.",
  );
}

export function answered(): StreamError {
  return new StreamError(
    "call-answered",
    "This call was answered before, or is over. The first answer holds.",
  );
}
