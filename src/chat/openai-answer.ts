import { createParser } from "eventsource-parser";
import type { EventSourceMessage } from "eventsource-parser";
import { StreamError } from "../protocol/error.ts";
import type { Usage } from "../protocol/event.ts";
import { OpenAICalls } from "./openai-calls.ts";
import {
  answerFailure,
  asRecord,
  errorDetail,
  networkFailure,
  readText,
  refusesTools,
  statusFailure,
} from "./openai-failure.ts";
import type { BodyReader, Endpoint, FetchResponse } from "./openai-failure.ts";
import type { ProviderAnswer, ProviderEvent } from "./provider.ts";

const MAX_LINE_LENGTH = 1_048_576;
const MAX_ERROR_BYTES = 65_536;
const DRAIN_MS = 1_000;
const DECODE_MORE = { stream: true };

/** How an answer is asked for. */
export interface Asking {
  body: string;
  /** For a model that takes no tools, where it may go without. */
  withoutTools?: { body: () => string; onTaken: () => void };
}

type Next = IteratorResult<ProviderEvent, undefined>;

/** One streamed answer of an OpenAI-compatible server, as an iterator of its events.
 *  Order: what one network chunk brought is queued and handed out without waiting for the network.
 *  Done:  after `finish`, a failure, an abort or `return()`; unlike an async generator's, its `return()` does not wait for a
 *         read that is under way. */
export class OpenAIAnswer implements AsyncIterableIterator<ProviderEvent>, ProviderAnswer {
  readonly #endpoint: Endpoint;
  readonly #asking: Asking;
  readonly #signal: AbortSignal;
  readonly #upstream = new AbortController();
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    onEvent: (message) => this.#onMessage(message),
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") {
        this.#fail(answerFailure(this.#endpoint, "sent a line of more than 1 MiB"));
      }
    },
    maxBufferSize: MAX_LINE_LENGTH,
  });
  #queue: ProviderEvent[] = [];
  #taken = 0;
  #reader: BodyReader | undefined;
  #isOpen = true;
  #isBodyEnded = false;
  #failure: { error: unknown } | undefined;
  #reason: "stop" | "length" | undefined;
  #usage: Usage | undefined;
  /** Absent until it calls a tool. */
  #calls: OpenAICalls | undefined;

  constructor(endpoint: Endpoint, asking: Asking, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#asking = asking;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  shift(): ProviderEvent | undefined {
    const event = this.#queue[this.#taken];
    if (event !== undefined) this.#taken += 1;
    return event;
  }

  next(): Promise<Next> {
    const value = this.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#failure !== undefined) {
      const { error } = this.#failure;
      this.#failure = undefined;
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an abort's reason is passed on as it is
      return Promise.reject(error);
    }
    return this.#isOpen ? this.#pull() : Promise.resolve({ done: true, value: undefined });
  }

  return(): Promise<Next> {
    if (this.#isOpen) this.#end();
    this.#dropQueue();
    this.#failure = undefined;
    return Promise.resolve({ done: true, value: undefined });
  }

  async #pull(): Promise<Next> {
    this.#dropQueue();
    try {
      this.#reader ??= await this.#start();
      while (this.#isOpen && this.#queue.length === 0) {
        const { done, value } = await this.#reader.read();
        if (!this.#isOpen) break;
        if (value !== undefined) this.#parser.feed(this.#decoder.decode(value, DECODE_MORE));
        if (done) this.#onBodyEnd();
      }
    } catch (cause) {
      this.#onReadFailure(cause);
    }
    return this.next();
  }

  async #start(): Promise<BodyReader> {
    if (this.#signal.aborted) this.#onAbort();
    else this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    const response = await this.#ask();
    const type = response.headers.get("content-type") ?? "";
    // Some servers leave the type out or call it plain text: only what is surely something else is refused.
    if (/html|json/i.test(type)) throw await this.#wrongType(response, type);
    const reader = response.body?.getReader();
    if (reader === undefined) throw answerFailure(this.#endpoint, "sent an answer without a body");
    return reader;
  }

  async #ask(): Promise<FetchResponse> {
    const { body, withoutTools } = this.#asking;
    const first = await this.#post(body);
    if (first.ok) return first;
    const failure = await statusFailure(this.#endpoint, first);
    if (withoutTools === undefined || !refusesTools(first.status, failure)) throw failure;
    const second = await this.#post(withoutTools.body());
    if (!second.ok) throw await statusFailure(this.#endpoint, second);
    withoutTools.onTaken();
    return second;
  }

  #post(body: string): Promise<FetchResponse> {
    const { apiKey, fetch, url } = this.#endpoint;
    return fetch(url("/chat/completions"), {
      method: "POST",
      headers: {
        accept: "text/event-stream",
        "content-type": "application/json",
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      body,
      redirect: "manual",
      signal: this.#upstream.signal,
    });
  }

  async #wrongType(response: FetchResponse, type: string): Promise<StreamError> {
    const text = await readText(response, MAX_ERROR_BYTES);
    const detail = errorDetail(this.#endpoint, parseJson(text));
    const said = detail === "" ? "" : `: ${detail}`;
    return new StreamError(
      "provider-failed",
      `${this.#endpoint.name} answered with ${type.split(";", 1)[0]} instead of an event stream${said}. Check that ${this.#endpoint.address} is the base URL of an OpenAI-compatible server that can stream.`,
    );
  }

  #onMessage({ data, event }: EventSourceMessage): void {
    if (!this.#isOpen) return;
    if (data.startsWith("[DONE]")) {
      this.#onWhole(this.#reason ?? "stop");
      return;
    }
    let chunk: unknown;
    try {
      chunk = JSON.parse(data);
    } catch (cause) {
      // At the end of the body it is a line that was cut off: the missing end is what is reported.
      if (!this.#isBodyEnded) this.#fail(answerFailure(this.#endpoint, "sent data that is not JSON", cause));
      return;
    }
    const record = asRecord(chunk);
    if (record === undefined) return;
    if ((record["error"] !== undefined && record["error"] !== null) || event === "error") {
      const detail = errorDetail(this.#endpoint, record);
      this.#fail(answerFailure(this.#endpoint, `reported an error${detail === "" ? "" : `: ${detail}`}`));
      return;
    }
    const usage = asRecord(record["usage"]);
    if (usage !== undefined) this.#usage = toUsage(usage);
    const choices = record["choices"];
    const choice = Array.isArray(choices) ? asRecord(choices[0]) : undefined;
    if (choice === undefined || (choice["index"] ?? 0) !== 0) return;
    const delta = asRecord(choice["delta"]);
    if (delta !== undefined) this.#onDelta(delta);
    if (!this.#isOpen) return;
    const reason = choice["finish_reason"];
    if (typeof reason === "string" && reason !== "") this.#onReason(reason);
  }

  #onDelta(delta: Record<string, unknown>): void {
    // Some servers send the same reasoning under both names.
    const reasoning = delta["reasoning_content"] ?? delta["reasoning"];
    if (typeof reasoning === "string" && reasoning !== "") {
      this.#queue.push({ type: "reasoning", text: reasoning });
    }
    const text = delta["content"] ?? delta["refusal"];
    if (typeof text === "string" && text !== "") this.#queue.push({ type: "text", text });
    const pieces = delta["tool_calls"];
    if (Array.isArray(pieces)) this.#onCalls(pieces);
  }

  #onCalls(pieces: readonly unknown[]): void {
    this.#calls ??= new OpenAICalls(this.#endpoint.name);
    const wrong = this.#calls.take(pieces, (event) => this.#queue.push(event));
    if (wrong !== undefined) this.#fail(answerFailure(this.#endpoint, wrong));
  }

  #onReason(reason: string): void {
    switch (reason) {
      case "content_filter": {
        const message = `${this.#endpoint.name} stopped the answer: its content filter objects. Change the question, or choose another model.`;
        this.#fail(new StreamError("provider-refused", message));
        return;
      }
      case "error":
        this.#fail(answerFailure(this.#endpoint, "ended the answer with an error"));
        return;
      case "length":
      case "max_tokens":
        this.#reason = "length";
        return;
      default:
        // stop, tool_calls, and what servers call it otherwise. Usage comes after it, so it is not the end yet.
        this.#reason = "stop";
    }
  }

  #onBodyEnd(): void {
    this.#isBodyEnded = true;
    // Some servers leave out the blank line after the last event.
    this.#parser.feed(`${this.#decoder.decode()}\n\n`);
    if (!this.#isOpen) return;
    if (this.#reason !== undefined) this.#onWhole(this.#reason);
    else this.#fail(answerFailure(this.#endpoint, "closed the connection in the middle of the answer"));
  }

  #onReadFailure(cause: unknown): void {
    if (!this.#isOpen) return; // what fails after the end was aborted by us
    if (cause instanceof StreamError) this.#fail(cause);
    else if (this.#reader === undefined) this.#fail(networkFailure(this.#endpoint, cause));
    // The reason was said, so the text is whole; at most the usage is missing.
    else if (this.#reason !== undefined) this.#onWhole(this.#reason);
    else this.#fail(answerFailure(this.#endpoint, "lost the connection in the middle of the answer", cause));
  }

  readonly #onAbort = (): void => {
    if (!this.#isOpen) return;
    this.#dropQueue();
    this.#fail(this.#signal.reason);
  };

  #onWhole(reason: "stop" | "length"): void {
    const wrong = this.#calls?.end();
    if (wrong !== undefined) this.#fail(answerFailure(this.#endpoint, wrong));
    // Some servers say `stop` behind calls, and some say `tool_calls` where there are none: what came is what counts.
    else this.#finish(reason === "stop" && this.#calls?.hasAny === true ? "tool-calls" : reason);
  }

  #finish(reason: "stop" | "length" | "tool-calls"): void {
    const usage = this.#usage;
    this.#queue.push(usage === undefined ? { type: "finish", reason } : { type: "finish", reason, usage });
    this.#isOpen = false;
    this.#signal.removeEventListener("abort", this.#onAbort);
    if (!this.#isBodyEnded) void this.#drain();
  }

  #fail(error: unknown): void {
    this.#failure = { error };
    this.#end();
  }

  #end(): void {
    this.#isOpen = false;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#upstream.abort();
  }

  /** Reads what follows the end, so that the connection can serve the next request. */
  async #drain(): Promise<void> {
    const timer = setTimeout(() => this.#upstream.abort(), DRAIN_MS);
    try {
      while ((await this.#reader?.read())?.done === false);
    } catch {
      // The answer is whole; the connection is closed instead of kept.
    } finally {
      clearTimeout(timer);
    }
  }

  #dropQueue(): void {
    this.#queue = [];
    this.#taken = 0;
  }
}

function toUsage(usage: Record<string, unknown>): Usage {
  const input = usage["prompt_tokens"];
  const output = usage["completion_tokens"];
  return {
    ...(typeof input === "number" && { inputTokens: input }),
    ...(typeof output === "number" && { outputTokens: output }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // has no error message to show
  }
}
