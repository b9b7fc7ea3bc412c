import type { Chats, StartedRun } from "./chat/chats.ts";
import { commandKeyId } from "./chat/chats.ts";
import type { FoundModel } from "./chat/models.ts";
import type { PromptMessage, Provider, ProviderEvent } from "./chat/provider.ts";
import type { StartOutcome } from "./chat/run-start.ts";
import type { Runner } from "./chat/runner.ts";
import { StreamError } from "./protocol/error.ts";
import { sha256 } from "./protocol/hash.ts";

/** What a generation yields: texts as they come, or the events of a provider. One that ends without `finish` ends with `stop`. */
export type Generation = AsyncIterable<string | ProviderEvent>;

/** A generation, or what makes one when it is wanted. `signal` aborts when the run is stopped. */
export type GenerationSource = Generation | ((request: GenerationRequest) => Generation);

export interface GenerationRequest {
  /** What was said so far, and last the prompt. */
  messages: readonly PromptMessage[];
  signal: AbortSignal;
}

export interface RunCallOptions {
  /** What is answered. In a chat: what the person says, at most 200,000 characters, and needed. Default: nothing. */
  prompt?: string;
  /** The chat into which the answer is written, such as `chats.create` has made. Default: none, a stream of its own. */
  chat?: string;
  /** Whose it is: the person who may read and stop it; of a chat, its owner. Default `local`. */
  owner?: string;
  /** What the answer's model is called, for those who read it. Default `server`. */
  model?: string;
  /** The same key, the same run, whose source is then left alone: 1 to 128 visible ASCII characters, kept for 24 hours. Default: none. */
  key?: string;
  /** The id of the request that asks for it, such as `X-Request-Id`, for logs. Default: none. */
  request?: string;
}

/** A run whose start is committed. */
export interface CalledRun {
  /** `joined`: the run that this key has started before. */
  status: "started" | "joined";
  run: string;
  /** The name of the assistant's message. */
  message: string;
  stream: string;
  /** What is read after it shows the whole run. */
  after: string;
  /** Without a chat: resolves when the run is over; at once where it was joined. It never rejects: how it ended stands in the stream. */
  ended?: Promise<void>;
}

/** Runs a generation of the caller's own, apart from every connection: its readers may come, go and come back.
 *  Order:  what it yields is appended as it comes; the iteration waits while the log is behind.
 *  Done:   its start is committed. The run ends when the source does, when it is stopped, or at a limit of `RunnerOptions`.
 *  Errors: `chat-unknown` 404, `run-active` 409 where an answer is being written in the chat, `key-reused` 422, `too-many-runs` 429,
 *          `draining` 503, those of the log. What the source throws ends the run with `error`. */
export type RunCall = (source: GenerationSource, options?: RunCallOptions) => Promise<CalledRun>;

const MAX_PROMPT_LENGTH = 200_000;
const KEY = /^[\x21-\x7e]{1,128}$/;
const KEY_TTL_MS = 24 * 3_600_000;

export function createRunCall(runner: Runner, chats: Chats): RunCall {
  return async (source, { prompt = "", chat, owner = "local", model = "server", key, request } = {}) => {
    checkPrompt(prompt, chat);
    if (key !== undefined && !KEY.test(key))
      throw new StreamError("invalid-key", "A key has 1 to 128 visible ASCII characters, no spaces.");
    const answerer = answererOf(source, model);
    const claim = async (id: string) => ({
      id,
      digest: await sha256(JSON.stringify([prompt, model])),
      expiresAt: Date.now() + KEY_TTL_MS,
    });
    if (chat !== undefined) {
      const command =
        key === undefined
          ? undefined
          : { claim: await claim(commandKeyId(owner, chat, "messages", key)), text: key };
      return described(await chats.send(owner, chat, { text: prompt, answerer }, command, request));
    }
    return described(
      await runner.start({
        messages: prompt === "" ? [] : [{ role: "user", text: prompt }],
        answerer,
        owner,
        ...(key !== undefined && { key: await claim(`server run ${owner} ${key}`) }),
        request,
      }),
    );
  };
}

/** Who answers with a generation of the caller's own. */
export function answererOf(source: GenerationSource, model = "server"): FoundModel {
  return { provider: providerOf(source), model, id: model };
}

function described({ status, run, message, stream, after, ...rest }: StartOutcome | StartedRun): CalledRun {
  return { status, run, message, stream, after, ...("ended" in rest && { ended: rest.ended }) };
}

function checkPrompt(prompt: string, chat: string | undefined): void {
  if (chat !== undefined && prompt.trim() === "")
    throw new StreamError("invalid-request", "prompt: a chat's answer answers something. Say what.");
  if (prompt.length <= MAX_PROMPT_LENGTH) return;
  throw new StreamError(
    "prompt-too-large",
    `prompt: at most ${MAX_PROMPT_LENGTH} characters; this one has ${prompt.length}.`,
  );
}

/** The caller's generation as a provider of one answer. */
function providerOf(source: GenerationSource): Provider {
  return {
    name: "server",
    models: () => Promise.resolve([]),
    async *generate({ messages }, signal) {
      const generation = typeof source === "function" ? source({ messages, signal }) : source;
      for await (const piece of generation) {
        if (typeof piece !== "string") yield piece;
        else if (piece !== "") yield { type: "text", text: piece };
        if (typeof piece !== "string" && piece.type === "finish") return;
      }
      yield { type: "finish", reason: "stop" };
    },
  };
}
