import type { KeyClaim } from "../log/log.ts";
import type { ChatEvent } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import type { GenerateRequest, PromptMessage, Provider, Sampling } from "./provider.ts";

export interface StartRequest {
  messages: readonly PromptMessage[];
  /** Default: the registry's. */
  model?: string;
  /** The most tokens that the answer may have. */
  maxTokens?: number;
  sampling?: Sampling;
  /** The same key, the same run. */
  key?: KeyClaim;
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
  /** Reopens this message instead of starting one; `text` is what it says so far. */
  continues?: { message: string; text: string };
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

/** So much of a prompt stands in the stream of a run, in characters. */
const MAX_PROMPT_SHOWN = 10_000;

/** The first event of a run: it starts a message, or reopens one. */
export function startEvent(
  run: string,
  message: string,
  model: string,
  at: number,
  { chat, messages }: StartRequest,
): ChatEvent {
  if (chat?.continues !== undefined) return { type: "message-continue", message, run, model, at };
  const start = { type: "message-start", message, run, model, at } as const;
  if (chat === undefined) {
    const prompt = messages.findLast(({ role }) => role === "user")?.text ?? "";
    return { ...start, prompt: prompt.slice(0, MAX_PROMPT_SHOWN) };
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
