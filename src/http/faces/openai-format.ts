import type { Format } from "../../hub/format.ts";
import { StreamError } from "../../protocol/error.ts";
import type { ErrorBody } from "../../protocol/error.ts";
import type { EndReason, Entry, RunEvent, Usage } from "../../protocol/event.ts";
import { deltaText } from "../../protocol/merge.ts";
import type { RunState } from "../../protocol/run.ts";
import { toOpenAIError } from "./openai-error.ts";
import { callDelta, callsOf } from "./openai-tools.ts";

/** What is the same in all chunks of an answer. */
export interface AnswerHead {
  run: string;
  model: string;
  /** When its run was started, in Unix milliseconds. */
  at: number;
}

export interface FormatOptions {
  /** Whether the stream tells its usage. */
  wantsUsage: boolean;
  /** Whether the client runs the tools that are called. Calls that the server runs are not told: a client would run them, too. */
  runsTools: boolean;
}

/** A run as OpenAI streams it: unnamed events, each one line of data with its cursor as `id`, and `[DONE]`. Its chunks
 *  follow from the run's own events, so all readers of a run who want the same usage share frames.
 *  Order:  a chunk with the role, one for each delta, one with `finish_reason`, one with the usage, `[DONE]`; a run that
 *          failed has an error instead of the last two chunks.
 *  Source: OpenAI API reference, "Streaming"; PROTOCOL.md "OpenAI-compatible". */
export function createOpenAIFormat(head: AnswerHead, { wantsUsage, runsTools }: FormatOptions): Format {
  const { run, model, at } = head;
  const common = { id: answerId(run), object: "chat.completion.chunk", created: toSeconds(at), model };
  const opening = JSON.stringify(common).slice(0, -1);
  const choice = (delta: string, reason: string | null) =>
    `${opening},"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${JSON.stringify(reason)}}]}`;
  return {
    name: `openai${wantsUsage ? " with usage" : ""}${runsTools ? " with calls" : ""}`,
    entry(cursor, { data }) {
      const text = deltaText(data, "text-delta");
      if (text !== undefined) return block(choice(`{"content":${text}}`, null), cursor);
      const event = JSON.parse(data) as RunEvent; // only the runner writes runs
      switch (event.type) {
        case "message-start":
          return block(choice('{"role":"assistant","content":""}', null), cursor);
        // It says nothing, and its place has to be told.
        case "message-continue":
          return block(choice("{}", null), cursor);
        case "text-delta":
          return block(choice(`{"content":${JSON.stringify(event.text)}}`, null), cursor);
        case "reasoning-delta":
          return block(choice(`{"reasoning_content":${JSON.stringify(event.text)}}`, null), cursor);
        case "message-end": {
          const failure = runFailure(event);
          if (failure !== undefined) return block(JSON.stringify({ error: toOpenAIError(failure) }), cursor);
          const finish = choice("{}", finishReason(event.reason));
          const usage = wantsUsage ? toOpenAIUsage(event.usage) : undefined;
          if (usage === undefined) return block(finish, cursor);
          // The cursor stands on the last one: who is cut off between them gets both again.
          return block(finish) + block(JSON.stringify({ ...common, choices: [], usage }), cursor);
        }
        case "tool-input-start":
        case "tool-input-delta": {
          const delta = runsTools ? callDelta(event) : undefined;
          return delta === undefined ? place(cursor) : block(choice(delta, null), cursor);
        }
        default:
          return place(cursor);
      }
    },
    // Strict clients take nothing but data, so a connection says nothing about itself.
    start: () => "",
    caughtUp: () => "",
    // A reader who cannot drop what it has is told that there is no going on.
    reset: () => block(JSON.stringify({ error: toOpenAIError(lost()) })) + DONE,
    end: ({ reason }) =>
      (reason === "deleted" ? block(JSON.stringify({ error: toOpenAIError(lost()) })) : "") + DONE,
    // Continue takes a comment that begins with "ping" for the end of the answer.
    ping: () => ": keep-alive\n\n",
  };
}

/** The whole answer of a run that has ended well, for a request that does not stream. `entries`: all that it said. */
export function toChatCompletion(state: RunState, entries: readonly Entry[]): object {
  const { run, model, at, text, reasoning, reason, usage } = state;
  // A call that was cut off is nothing to run.
  const calls = reason === "tool-calls" ? callsOf(entries) : [];
  const counted = toOpenAIUsage(usage);
  return {
    id: answerId(run),
    object: "chat.completion",
    created: toSeconds(at),
    model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: text === "" && calls.length > 0 ? null : text,
          refusal: null,
          ...(calls.length > 0 && { tool_calls: calls }),
          ...(reasoning !== undefined && { reasoning_content: reasoning }),
        },
        logprobs: null,
        finish_reason: finishReason(reason ?? "stop"),
      },
    ],
    ...(counted !== undefined && { usage: counted }),
  };
}

/** Why a run has no whole answer; undefined where it ended well. */
export function runFailure({
  reason,
  error,
}: {
  reason?: EndReason;
  error?: ErrorBody;
}): StreamError | undefined {
  if (reason === "interrupted")
    return new StreamError("internal", "The server stopped in the middle of this answer. Ask again.");
  if (reason !== "error") return undefined;
  return new StreamError(error?.code ?? "internal", error?.message ?? "The run failed. Ask again.");
}

const DONE = "data: [DONE]\n\n";

/** Beside LF and CR, which JSON escapes, what some clients that read line by line split at: Python's `splitlines` does. */
const LINE_SEPARATORS = /[\u0085\u2028\u2029]/g;

function block(json: string, cursor?: string): string {
  const line = json.replace(
    LINE_SEPARATORS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${cursor === undefined ? "" : `id: ${cursor}\n`}data: ${line}\n\n`;
}

/** What has no shape there: its cursor alone, which no client shows. */
function place(cursor: string): string {
  return `id: ${cursor}\n\n`;
}

function finishReason(reason: EndReason): "stop" | "length" | "tool_calls" {
  if (reason === "tool-calls") return "tool_calls";
  return reason === "length" ? "length" : "stop";
}

/** Undefined where the model's server did not count: a guess would be taken for a bill. */
function toOpenAIUsage({ inputTokens, outputTokens }: Usage = {}): object | undefined {
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

function lost(): StreamError {
  return new StreamError("stream-unknown", "The rest of this answer is no longer kept. Ask again.");
}

function answerId(run: string): string {
  return `chatcmpl-${run}`;
}

function toSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}
