import type { KeyClaim, KeyRecord } from "../log/log.ts";
import { formatCursor, requireCursor } from "../protocol/cursor.ts";
import { StreamError } from "../protocol/error.ts";
import type { ChatEvent } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import type { FoundModel } from "./models.ts";
import type { GenerateRequest, PromptMessage, Provider, Sampling, ToolChoice, ToolSpec } from "./provider.ts";

export interface StartRequest {
  messages: readonly PromptMessage[];
  /** Default: the registry's. */
  model?: string;
  /** Who answers instead of a model of the registry. */
  answerer?: FoundModel;
  /** The most tokens that the answer may have. */
  maxTokens?: number;
  sampling?: Sampling;
  /** Tools that the one who starts the run runs: where the model asks for one, the run ends with `tool-calls`. They take the place of the
   *  server's; an empty list takes it, too. */
  tools?: readonly ToolSpec[];
  toolChoice?: ToolChoice;
  /** Whether several may be called at once. Default: as the model does. */
  callsInParallel?: boolean;
  /** The same key, the same run. */
  key?: KeyClaim;
  /** Whether another node may go on with it should this one die: it outlives who asked, and its one message is all that the model is
   *  told. Those of chats always may. Default false. */
  mayMove?: boolean;
  /** Whose it is, and who pays for it. Default `local`. */
  owner?: string;
  /** The id of the request that asks for it, for logs. */
  request?: string | undefined;
  /** Where the answer is written. Default: a stream of its own, `runs/{run}`, which its end closes. */
  chat?: ChatPlace;
}

/** A place in a chat for an answer. At most one run is open in a chat. */
export interface ChatPlace {
  stream: StreamName;
  /** What is appended with the start, in one commit before it. */
  before?: readonly ChatEvent[];
  /** The message that it answers. */
  parent?: string;
  /** Reopens this message instead of starting one; `text` is what it says so far, `tail` what of that comes after the last call of a
   *  tool: what is before it stands in the messages. */
  continues?: { message: string; text: string; tail: string };
  /** Whose chat it is: tools are told. */
  owner?: string;
  /** A key under which it may have been stopped before it came: then it is born `cancelled`. */
  stopKey?: string;
}

/** Where a run writes. */
export interface RunPlace {
  stream: StreamName;
  message: string;
}

export interface StartOutcome {
  status: "started" | "joined";
  run: string;
  stream: StreamName;
  message: string;
  /** The cursor before all that was appended with the start: what is read after it shows the whole run. */
  after: string;
  /** Resolves when the run is over; at once where it was joined. */
  ended: Promise<void>;
}

/** What becomes of a run whose process is gone: it is ended as `interrupted`, or another process goes on with it. */
export type Recovery = "interrupted" | "continue";

/** Whose a run is that names nobody. */
export const LOCAL = "local";
/** So much of a prompt stands in the stream of a run, in characters. */
const MAX_PROMPT_SHOWN = 10_000;

/** The first event of a run: it starts a message, or reopens one. */
export function startEvent(
  run: string,
  message: string,
  model: string,
  at: number,
  { chat, messages, mayMove, owner = LOCAL }: StartRequest,
  recovery: Recovery,
): ChatEvent {
  if (chat?.continues !== undefined) return { type: "message-continue", message, run, model, at };
  const start = { type: "message-start", message, run, model, at } as const;
  if (chat === undefined) {
    const prompt = messages.findLast(({ role }) => role === "user")?.text ?? "";
    const isWhole = mayMove === true && recovery === "continue" && prompt.length <= MAX_PROMPT_SHOWN;
    return {
      ...start,
      prompt: prompt.slice(0, MAX_PROMPT_SHOWN),
      ...(isWhole && { whole: true }),
      ...(owner !== LOCAL && { owner }),
    };
  }
  return chat.parent === undefined ? start : { ...start, parent: chat.parent };
}

const CONTINUE =
  "Your last answer was cut off. Go on exactly where it stopped, in the middle of a word if need be. Repeat nothing, and say nothing about this request.";

/** What a provider is asked to go on with: one that cannot continue gets the text so far and one instruction. */
export function continued(
  provider: Provider,
  messages: readonly PromptMessage[],
  text: string | undefined,
): Pick<GenerateRequest, "messages" | "continues"> {
  if (text === undefined || text === "") return { messages };
  if (provider.canContinue === true) return { messages, continues: text };
  return { messages: [...messages, { role: "assistant", text }, { role: "user", text: CONTINUE }] };
}

/** The run that a key has started. Errors: `key-reused` 422. */
export function join(record: KeyRecord | undefined, key: KeyClaim | undefined): StartOutcome {
  if (record === undefined || record.digest !== key?.digest) {
    throw new StreamError(
      "key-reused",
      "This Idempotency-Key was used with another body. Send a new key with a new request.",
    );
  }
  // The note was written by `start`, with its key.
  const note = JSON.parse(record.note ?? "{}") as { run: string; message: string; events: number };
  const { run, message, events } = note;
  const after = cursorBefore(record.cursor, events);
  return { status: "joined", run, message, stream: record.stream, after, ended: Promise.resolve() };
}

/** The cursor before an append of so many events, from that of its last. */
export function cursorBefore(cursor: string, events: number): string {
  const { epoch, offset } = requireCursor(cursor);
  return formatCursor({ epoch, offset: offset - events });
}

export function runActive(run: string): StreamError {
  return new StreamError(
    "run-active",
    "An answer is being written in this chat. Stop it, or wait until it is done.",
    { run },
  );
}
