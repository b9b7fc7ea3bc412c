import { jsonSchema, streamText, tool } from "ai";
import type { LanguageModel } from "ai";
import { MockLanguageModelV3, simulateReadableStream } from "ai/test";
import { expect, test, vi } from "vitest";
import { createAiSdkProvider, toMillrace, toModelMessages } from "../../src/chat/ai-sdk.ts";
import type { AiSdkModel } from "../../src/chat/ai-sdk.ts";
import type { GenerateRequest, ProviderEvent } from "../../src/chat/provider.ts";
import { StreamError } from "../../src/protocol/error.ts";
import type { ChatEvent } from "../../src/protocol/event.ts";
import { createLogger } from "../../src/server-log-lines.ts";
import { gate, startApp } from "../support/app.ts";

type ModelPart =
  Awaited<ReturnType<MockLanguageModelV3["doStream"]>>["stream"] extends ReadableStream<infer Part>
    ? Part
    : never;
type Asked = Parameters<MockLanguageModelV3["doStream"]>[0];

const USAGE = {
  inputTokens: { total: 7, noCache: 7, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 3, text: 3, reasoning: undefined },
};
const finish = (unified: "stop" | "length" | "tool-calls" | "content-filter"): ModelPart => ({
  type: "finish",
  finishReason: { unified, raw: undefined },
  usage: USAGE,
});
const HELLO: ModelPart[] = [
  { type: "stream-start", warnings: [] },
  { type: "reasoning-start", id: "r" },
  { type: "reasoning-delta", id: "r", delta: "Hm." },
  { type: "reasoning-end", id: "r" },
  { type: "text-start", id: "t" },
  { type: "text-delta", id: "t", delta: "Hel" },
  { type: "text-delta", id: "t", delta: "" },
  { type: "text-delta", id: "t", delta: "lo" },
  { type: "text-end", id: "t" },
  finish("stop"),
];

/** A model of the AI SDK that says these parts, one list for each time that it is asked. */
function modelOf(...answers: ModelPart[][]): MockLanguageModelV3 {
  return new MockLanguageModelV3({
    modelId: "mock",
    doStream: answers.map((chunks) => ({
      stream: simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: null }),
    })),
  });
}

async function say(model: AiSdkModel, request: Partial<GenerateRequest> = {}): Promise<ProviderEvent[]> {
  const provider = createAiSdkProvider({ models: [model] });
  const events: ProviderEvent[] = [];
  const asked = { model: "mock", messages: [{ role: "user" as const, text: "Hi" }], ...request };
  for await (const event of provider.generate(asked, new AbortController().signal)) events.push(event);
  return events;
}

test("a model of the AI SDK says its reasoning, its text, why it ended, and what it took", async () => {
  expect(await say(modelOf(HELLO))).toEqual([
    { type: "reasoning", text: "Hm." },
    { type: "text", text: "Hel" },
    { type: "text", text: "lo" },
    { type: "finish", reason: "stop", usage: { inputTokens: 7, outputTokens: 3 } },
  ]);
  expect(await say(modelOf([finish("length")]))).toMatchObject([{ reason: "length" }]);
});

test("a model of version 2 says the same in its own way", async () => {
  const usage = { inputTokens: 7, outputTokens: 3, totalTokens: 10 };
  const parts = [...HELLO.slice(0, -1), { type: "finish", finishReason: "stop", usage }];
  const model: AiSdkModel = {
    provider: "old",
    modelId: "mock",
    doStream: () => Promise.resolve({ stream: simulateReadableStream({ chunks: parts }) }),
  };
  expect((await say(model)).at(-1)).toEqual({
    type: "finish",
    reason: "stop",
    usage: { inputTokens: 7, outputTokens: 3 },
  });
});

test("any model that `ai` has a type for is taken, but a name, which only `ai` could look up", () => {
  const models: Exclude<LanguageModel, string>[] = [modelOf(HELLO)];
  expect(createAiSdkProvider({ models }).name).toBe("ai-sdk");
});

test("a model is told the conversation, its limits and tools in the words of the AI SDK", async () => {
  const model = modelOf(HELLO);
  await say(model, {
    messages: [
      { role: "system", text: "Be short." },
      { role: "user", text: "Hi" },
      {
        role: "assistant",
        text: "",
        calls: [
          { call: "c1", tool: "add", input: '{"a":1}', providerMetadata: { google: { signature: "s" } } },
          { call: "c2", tool: "add", input: "{" },
        ],
      },
      { role: "tool", call: "c1", tool: "add", text: "2" },
      { role: "tool", call: "c2", tool: "add", text: "No JSON.", isError: true },
    ],
    maxTokens: 5,
    sampling: { temperature: 0.5, topP: 0.9, seed: 3, stop: ["."] },
    tools: [{ name: "add", description: "Adds", inputSchema: { type: "object" } }],
    toolChoice: { tool: "add" },
  });
  expect(model.doStreamCalls[0]).toMatchObject({
    prompt: [
      { role: "system", content: "Be short." },
      { role: "user", content: [{ type: "text", text: "Hi" }] },
      {
        role: "assistant",
        content: [
          {
            type: "tool-call",
            toolCallId: "c1",
            toolName: "add",
            input: { a: 1 },
            providerOptions: { google: { signature: "s" } },
          },
          { type: "tool-call", toolCallId: "c2", toolName: "add", input: "{" },
        ],
      },
      {
        role: "tool",
        content: [
          { type: "tool-result", toolCallId: "c1", toolName: "add", output: { type: "text", value: "2" } },
          { type: "tool-result", toolCallId: "c2", output: { type: "error-text", value: "No JSON." } },
        ],
      },
    ],
    maxOutputTokens: 5,
    temperature: 0.5,
    topP: 0.9,
    seed: 3,
    stopSequences: ["."],
    tools: [{ type: "function", name: "add", description: "Adds", inputSchema: { type: "object" } }],
    toolChoice: { type: "tool", toolName: "add" },
  });
});

test("calls come in pieces or at once, sources and files as parts, and what a provider runs with its result", async () => {
  const model = modelOf([
    { type: "tool-input-start", id: "a", toolName: "add" },
    { type: "tool-input-delta", id: "a", delta: '{"a":' },
    { type: "tool-input-delta", id: "a", delta: "1}" },
    { type: "tool-input-end", id: "a" },
    {
      type: "tool-call",
      toolCallId: "a",
      toolName: "add",
      input: '{"a":1}',
      providerMetadata: { google: { signature: "s" } },
    },
    { type: "tool-call", toolCallId: "b", toolName: "add", input: "{}" },
    { type: "tool-call", toolCallId: "s", toolName: "search", input: "{}", providerExecuted: true },
    { type: "tool-result", toolCallId: "s", toolName: "search", result: ["found"] },
    { type: "source", sourceType: "url", id: "1", url: "https://example.org/", title: "Found" },
    { type: "file", mediaType: "image/png", data: new Uint8Array([1, 2]) },
    finish("tool-calls"),
  ]);
  expect(await say(model)).toEqual([
    { type: "tool-call", call: "a", tool: "add" },
    { type: "tool-input", call: "a", text: '{"a":' },
    { type: "tool-input", call: "a", text: "1}" },
    { type: "tool-input", call: "a", text: "", providerMetadata: { google: { signature: "s" } } },
    { type: "tool-call", call: "b", tool: "add" },
    { type: "tool-input", call: "b", text: "{}" },
    { type: "tool-call", call: "s", tool: "search", executor: "provider" },
    { type: "tool-input", call: "s", text: "{}" },
    { type: "tool-output", call: "s", output: ["found"] },
    {
      type: "part",
      part: { type: "source-url", source: "1", url: "https://example.org/", title: "Found" },
    },
    { type: "part", part: { type: "file", url: "data:image/png;base64,AQI=", mediaType: "image/png" } },
    { type: "finish", reason: "tool-calls", usage: { inputTokens: 7, outputTokens: 3 } },
  ]);
});

const refused = Object.assign(new Error("invalid x-api-key"), { name: "AI_APICallError", statusCode: 401 });
const busy = Object.assign(new Error("Overloaded"), { name: "AI_APICallError", statusCode: 529 });

test.each([
  ["a key that is refused", () => Promise.reject(refused), "provider-refused", "invalid x-api-key"],
  ["too many requests", () => Promise.reject(busy), "provider-busy", "(HTTP 529): Overloaded."],
  ["a failure in the middle", [{ type: "error", error: refused }], "provider-refused", "401"],
  ["a content filter", [finish("content-filter")], "provider-refused", "content filter"],
  ["a stream that only stops", [HELLO[5]], "provider-failed", "in the middle"],
  [
    "a file that no event holds",
    [{ type: "file", mediaType: "image/png", data: "A".repeat(300_000) }],
    "output-too-large",
    "at most",
  ],
])("%s is said with its code and in its words", async (_what, answer, code, words) => {
  const model = Array.isArray(answer)
    ? modelOf(answer as ModelPart[])
    : new MockLanguageModelV3({ modelId: "mock", doStream: answer });
  const failure = await say(model).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(StreamError);
  expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
});

test("a model of the AI SDK answers in a chat, and Millrace runs what it calls", async () => {
  const model = modelOf(
    [{ type: "tool-call", toolCallId: "x", toolName: "add", input: '{"a":1}' }, finish("tool-calls")],
    HELLO,
  );
  await using app = await startApp({
    model: "mock",
    providers: [createAiSdkProvider({ models: [model] })],
    tools: { add: { run: (input) => ({ sum: (input as { a: number }).a + 1 }) } },
  });
  const body = { id: "c", messages: [{ role: "user", parts: [{ type: "text", text: "Add" }] }] };
  const said = await (await app.send("POST", "/api/chat", body)).text();
  expect(said).toContain('"output":{"sum":2}');
  expect(said).toContain('"delta":"Hel');
  const { prompt } = model.doStreamCalls[1] as Asked;
  expect(prompt.at(-1)).toMatchObject({ role: "tool", content: [{ output: { value: '{"sum":2}' } }] });
});

test("a stopped run aborts the model's request", async () => {
  const asked = gate();
  let signal: AbortSignal | undefined;
  const model: AiSdkModel = {
    provider: "mock",
    modelId: "mock",
    doStream(options: never) {
      signal = (options as Asked).abortSignal;
      asked.open();
      return new Promise(() => {});
    },
  };
  await using app = await startApp({ model: "mock", providers: [createAiSdkProvider({ models: [model] })] });
  const started = await app.server.runner.start({ messages: [{ role: "user", text: "Hi" }] });
  await asked.opened;
  await app.server.runner.stop(started.run);
  expect(signal?.aborted).toBe(true);
});

test("what streamText returns is a run, with the tools that it ran, and its onFinish is called", async () => {
  const onFinish = vi.fn();
  const model = modelOf(
    [{ type: "tool-call", toolCallId: "x", toolName: "add", input: '{"a":1}' }, finish("tool-calls")],
    HELLO,
  );
  const add = tool({
    inputSchema: jsonSchema<{ a: number }>({ type: "object" }),
    execute: ({ a }) => ({ sum: a + 1 }),
  });
  let steps = 0;
  await using app = await startApp();
  const run = await app.server.run(
    ({ messages, signal }) =>
      toMillrace(
        streamText({
          model,
          ...toModelMessages(messages),
          tools: { add },
          stopWhen: () => ++steps === 2,
          abortSignal: signal,
          onFinish,
        }),
      ),
    { prompt: "Add" },
  );
  await run.ended;
  const events: ChatEvent[] = [];
  for await (const { event } of app.server.read<ChatEvent>(run.stream)) events.push(event);
  expect(events.map(({ type }) => type)).toEqual([
    "message-start",
    "tool-input-start",
    "tool-input-delta",
    "tool-input-end",
    "tool-output-end",
    "reasoning-delta",
    "text-delta",
    "message-end",
  ]);
  expect(events[4]).toMatchObject({ output: { sum: 2 } });
  expect(events.at(-1)).toMatchObject({ reason: "stop", usage: { inputTokens: 14, outputTokens: 6 } });
  expect(onFinish).toHaveBeenCalledOnce();
  expect(model.doStreamCalls[0]?.prompt).toMatchObject([{ role: "user", content: [{ text: "Add" }] }]);
});

test("what a tool of streamText throws is for the log of the server, and the reader is told that it failed", async () => {
  const model = modelOf(
    [{ type: "tool-call", toolCallId: "x", toolName: "add", input: "{}" }, finish("tool-calls")],
    HELLO,
  );
  const add = tool({
    inputSchema: jsonSchema<object>({ type: "object" }),
    execute: (): Promise<string> => Promise.reject(new TypeError("a secret")),
  });
  const onFault = vi.fn();
  await using app = await startApp({ runner: { onFault }, logger: createLogger({ level: "silent" }) });
  const run = await app.server.run(toMillrace(streamText({ model, prompt: "Add", tools: { add } })));
  await run.ended;
  const events: ChatEvent[] = [];
  for await (const { event } of app.server.read<ChatEvent>(run.stream)) events.push(event);
  expect(events.find(({ type }) => type === "tool-output-error")).toMatchObject({
    error: { code: "tool-failed", message: "The tool failed." },
  });
  expect(JSON.stringify(events)).not.toContain("a secret");
  expect(onFault).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({
      run: run.run,
      tool: "add",
      error: expect.objectContaining({ message: "a secret" }),
    }),
  );
});

test("a streamText whose model fails is a run that says so", async () => {
  const model = new MockLanguageModelV3({ doStream: () => Promise.reject(refused) });
  await using app = await startApp();
  const result = streamText({ model, prompt: "Hi", maxRetries: 0, onError: () => {} });
  const run = await app.server.run(toMillrace(result));
  await run.ended;
  const events: ChatEvent[] = [];
  for await (const { event } of app.server.read<ChatEvent>(run.stream)) events.push(event);
  expect(events.at(-1)).toMatchObject({ reason: "error", error: { code: "provider-refused" } });
});

test("what the model is told before everything else stands apart for streamText", () => {
  expect(
    toModelMessages([
      { role: "system", text: "Be short." },
      { role: "user", text: "Hi" },
    ]),
  ).toEqual({ system: "Be short.", messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] });
});
