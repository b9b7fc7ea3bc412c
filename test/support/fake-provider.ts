import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What the fake provider does with one request for an answer. */
export type FakeBehaviour =
  | FakeAnswer
  /** A refusal or a failure before the stream. A body that is a string is sent as it is. */
  | { type: "status"; status: number; body?: unknown; headers?: Record<string, string> }
  | { type: "html" }
  /** Headers of an event stream, half an event, and the end of the body. */
  | { type: "half-json" }
  /** Nothing for ever: not even headers, or with `headers: true` those alone. */
  | { type: "silence"; headers?: boolean }
  /** These bytes as an event stream, then the end of the body. */
  | { type: "raw"; text: string; contentType?: string };

export interface FakeAnswer {
  type: "answer";
  tokens: readonly string[];
  reasoning?: readonly string[];
  /** The member of the delta that holds reasoning. Default `reasoning_content`. */
  reasoningField?: "reasoning_content" | "reasoning";
  /** What else it says, after the tokens: whole deltas, such as those of calls. */
  deltas?: readonly object[];
  /** Tokens per second; default 0: as fast as they can be written. */
  rate?: number;
  /** Tokens per write to the socket. Default 1. */
  perWrite?: number;
  /** Cuts the bytes at random places, the same for the same seed, instead of at events. */
  cutSeed?: number;
  /** Default `stop`; `null` leaves it out. */
  finish?: string | null;
  /** Default: counted from the tokens. `null` leaves it out. */
  usage?: { prompt_tokens: number; completion_tokens: number } | null;
  /** Whether `[DONE]` ends the stream. Default true. */
  done?: boolean;
  /** Breaks the connection after so many tokens. */
  breakAfter?: number;
  /** Sends an error object after so many tokens, and ends. */
  errorAfter?: { tokens: number; message: string };
  /** Stays open and silent after so many tokens. */
  hangAfter?: number;
  /** What is waited for before a token of the answer, by its number from 0: such as a gate of the test. Default: nothing. */
  hold?: (token: number) => Promise<unknown> | undefined;
}

/** One request as the fake provider got it. */
export interface FakeCall {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The parsed body; undefined for a GET. */
  body: FakeBody | undefined;
  /** The last user message; empty for a GET. */
  prompt: string;
}

export interface FakeBody {
  model: string;
  messages: { role: string; content: string }[];
  stream?: boolean;
  [name: string]: unknown;
}

export interface FakeProviderOptions {
  /** What to do where `next` has said nothing. Default: one answer of a few words. */
  respond?: (call: FakeCall) => FakeBehaviour;
  /** The models it lists. Default `fake-model`. */
  models?: readonly string[];
}

export interface FakeProvider {
  /** Ends in `/v1`. */
  readonly baseUrl: string;
  /** Requests for answers, oldest first. */
  readonly calls: readonly FakeCall[];
  /** Requests for the list of models. */
  readonly listCalls: readonly FakeCall[];
  /** How many answers the client broke off. */
  readonly aborts: number;
  /** Says what to do with the next request for an answer; called again, with the one after it. */
  next(behaviour: FakeBehaviour): void;
  /** Replaces the list of models. */
  setModels(models: readonly string[]): void;
  /** Resolves when so many requests for answers have come. */
  whenCalled(count: number): Promise<void>;
  /** Resolves when so many answers were broken off by the client. */
  whenAborted(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts an HTTP server on 127.0.0.1 that speaks OpenAI's wire format and does as it is told. */
export async function startFakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const respond = options.respond ?? (() => ({ type: "answer", tokens: ["Hello", ",", " world", "."] }));
  const queue: FakeBehaviour[] = [];
  const calls: FakeCall[] = [];
  const listCalls: FakeCall[] = [];
  const waiting = new Set<() => boolean>();
  let models = options.models ?? ["fake-model"];
  let aborts = 0;

  const notify = () => {
    for (const isMet of waiting) if (isMet()) waiting.delete(isMet);
  };
  const when = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      waiting.add(() => {
        if (!condition()) return false;
        resolve();
        return true;
      });
      notify();
    });

  const server = createServer((request, response) => {
    void (async () => {
      const call = await readCall(request);
      if (call.method === "GET" && call.path.endsWith("/models")) {
        listCalls.push(call);
        sendJson(response, 200, {
          object: "list",
          data: models.map((id) => ({ id, object: "model", created: 1, owned_by: "fake" })),
        });
        return;
      }
      if (call.method !== "POST" || !call.path.endsWith("/chat/completions")) {
        sendJson(response, 404, { error: { message: `no route ${call.path}` } });
        return;
      }
      const gone = new AbortController();
      let isBroken = false;
      response.on("close", () => {
        gone.abort();
        if (response.writableFinished || isBroken) return;
        aborts += 1;
        notify();
      });
      calls.push(call);
      notify();
      const onBreak = () => {
        isBroken = true;
        response.destroy();
      };
      await behave(queue.shift() ?? respond(call), call, response, gone.signal, onBreak);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP

  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    calls,
    listCalls,
    get aborts() {
      return aborts;
    },
    next: (behaviour) => void queue.push(behaviour),
    setModels: (list) => {
      models = list;
    },
    whenCalled: (count) => when(() => calls.length >= count),
    whenAborted: (count) => when(() => aborts >= count),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The wire text of an answer, event by event. */
export function encodeAnswer(answer: FakeAnswer, model = "fake-model"): string[] {
  const {
    tokens,
    reasoning = [],
    reasoningField = "reasoning_content",
    finish = "stop",
    done = true,
  } = answer;
  const head = { id: "chatcmpl-fake", object: "chat.completion.chunk", created: 1_700_000_000, model };
  const chunk = (delta: object, finish_reason: string | null = null) =>
    encodeData({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason }], usage: null });
  const events = [chunk({ role: "assistant", content: "" })];
  for (const text of reasoning) events.push(chunk({ [reasoningField]: text }));
  for (const [index, text] of tokens.entries()) {
    if (index === answer.errorAfter?.tokens) break;
    events.push(chunk({ content: text }));
  }
  if (answer.errorAfter !== undefined) {
    const { message } = answer.errorAfter;
    return [...events, encodeData({ error: { message, type: "server_error", code: null, param: null } })];
  }
  for (const delta of answer.deltas ?? []) events.push(chunk(delta));
  if (finish !== null) events.push(chunk({}, finish));
  const counted = { prompt_tokens: 3, completion_tokens: reasoning.length + tokens.length };
  const usage = answer.usage === undefined ? counted : answer.usage;
  if (usage !== null) {
    const total_tokens = usage.prompt_tokens + usage.completion_tokens;
    events.push(encodeData({ ...head, choices: [], usage: { ...usage, total_tokens } }));
  }
  if (done) events.push("data: [DONE]\n\n");
  return events;
}

/** Calls as OpenAI streams them: all begin, then their inputs come in turns, so many characters at a time. */
export function callDeltas(calls: readonly { tool: string; input: string }[], length = 5): object[] {
  const begun = calls.map(({ tool }, index) => ({
    tool_calls: [{ index, id: `call_${index}x`, type: "function", function: { name: tool, arguments: "" } }],
  }));
  const longest = Math.max(...calls.map(({ input }) => input.length));
  const pieces = Array.from({ length: Math.ceil(longest / length) }, (_, turn) =>
    calls.flatMap(({ input }, index) => {
      const text = input.slice(turn * length, (turn + 1) * length);
      return text === "" ? [] : [{ tool_calls: [{ index, function: { arguments: text } }] }];
    }),
  );
  return [...begun, ...pieces.flat()];
}

async function behave(
  behaviour: FakeBehaviour,
  call: FakeCall,
  response: ServerResponse,
  gone: AbortSignal,
  onBreak: () => void,
): Promise<void> {
  switch (behaviour.type) {
    case "answer":
      await sendAnswer(behaviour, call, response, gone, onBreak);
      return;
    case "status": {
      const { status, body, headers = {} } = behaviour;
      if (typeof body === "string")
        response.writeHead(status, { "content-type": "text/plain", ...headers }).end(body);
      else sendJson(response, status, body ?? { error: { message: `told to answer ${status}` } }, headers);
      return;
    }
    case "html":
      response
        .writeHead(200, { "content-type": "text/html; charset=utf-8" })
        .end("<!doctype html><title>Log in</title>");
      return;
    case "half-json":
      openStream(response);
      response.end('data: {"id":"chatcmpl-fake","choices":[{"index":0,"del');
      return;
    case "silence":
      if (behaviour.headers === true) openStream(response);
      return;
    case "raw":
      openStream(response, behaviour.contentType);
      response.end(behaviour.text);
      return;
    default:
      behaviour satisfies never;
  }
}

async function sendAnswer(
  answer: FakeAnswer,
  call: FakeCall,
  response: ServerResponse,
  gone: AbortSignal,
  onBreak: () => void,
): Promise<void> {
  openStream(response);
  const events = encodeAnswer(answer, call.body?.model);
  const before = 1 + (answer.reasoning?.length ?? 0);
  const cut = answer.breakAfter ?? answer.hangAfter;
  const shown = cut === undefined ? events : events.slice(0, before + cut);
  let start = performance.now();
  const { rate = 0, perWrite = 1 } = answer;
  const writes =
    answer.cutSeed === undefined
      ? chunked(shown, perWrite).map((part) => Buffer.from(part.join("")))
      : cutBytes(Buffer.from(shown.join("")), answer.cutSeed);
  const left = new Promise((resolve) => gone.addEventListener("abort", resolve, { once: true }));
  for (const [index, bytes] of writes.entries()) {
    const wait = rate === 0 ? 0 : start + (index * perWrite * 1000) / rate - performance.now();
    await pause(wait, answer.cutSeed !== undefined, gone);
    const held = answer.hold?.(index * perWrite - before);
    if (held !== undefined) {
      const begun = performance.now();
      await Promise.race([held, left]);
      start += performance.now() - begun;
    }
    if (gone.aborted) return;
    if (!response.write(bytes)) await drained(response, gone);
  }
  if (answer.hangAfter !== undefined) return;
  // Let what was written leave first: breaking off drops what stands in the queue.
  if (answer.breakAfter !== undefined) setImmediate(onBreak);
  else response.end();
}

function pause(ms: number, yields: boolean, gone: AbortSignal): Promise<void> | undefined {
  if (ms <= 0) return yields ? new Promise((resolve) => void setImmediate(resolve)) : undefined;
  // Whoever has gone need not be waited for.
  return sleep(ms, undefined, { signal: gone }).catch(() => undefined);
}

function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    response.once("drain", resolve);
    gone.addEventListener("abort", () => resolve(), { once: true });
  });
}

function cutBytes(bytes: Buffer, seed: number): Buffer[] {
  const parts: Buffer[] = [];
  let state = seed >>> 0;
  for (let at = 0; at < bytes.length;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const length = 1 + ((state >>> 16) % 97);
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return parts;
}

function chunked<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

async function readCall(request: IncomingMessage): Promise<FakeCall> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer); // no encoding is set
  const text = Buffer.concat(parts).toString("utf8");
  const body = text === "" ? undefined : (JSON.parse(text) as FakeBody); // only our own provider calls it
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: request.headers,
    body,
    prompt: body?.messages.findLast(({ role }) => role === "user")?.content ?? "",
  };
}

function openStream(response: ServerResponse, contentType = "text/event-stream; charset=utf-8"): void {
  response.writeHead(200, { "content-type": contentType, "cache-control": "no-cache" });
  response.flushHeaders();
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function encodeData(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** A message as the fake provider got it. */
export interface Told {
  role: string;
  content: string | null;
  tool_calls?: { id: string; function: { name: string; arguments: string }; extra_content?: unknown }[];
  tool_call_id?: string;
}
