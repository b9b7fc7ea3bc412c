import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createOpenAIProvider } from "../../src/chat/openai.ts";
import type { GenerateRequest, Provider, ProviderEvent, ToolSpec } from "../../src/chat/provider.ts";
import { collect } from "../support/collect.ts";
import { callDeltas, startFakeProvider } from "../support/fake-provider.ts";
import type { FakeProvider, Told } from "../support/fake-provider.ts";

const TOOL: ToolSpec = {
  name: "weather",
  description: "Tells the weather.",
  inputSchema: { type: "object", properties: { city: { type: "string" } } },
};
const OSLO = '{"city":"Oslo"}';
const ROME = '{"city":"Rome 😀 日本"}';

let fake: FakeProvider;
let provider: Provider;
let now = 0;

beforeEach(async () => {
  now = 0;
  fake = await startFakeProvider();
  provider = createOpenAIProvider({ name: "fake", baseUrl: fake.baseUrl, now: () => now });
});

afterEach(async () => {
  await fake.close();
  vi.restoreAllMocks();
});

/** What was called, with the whole of each input. */
function callsOf(events: readonly ProviderEvent[]): { tool: string; input: string }[] {
  const calls = new Map<string, { tool: string; input: string }>();
  for (const event of events) {
    if (event.type === "tool-call") {
      expect(calls.has(event.call), "each call begins once").toBe(false);
      calls.set(event.call, { tool: event.tool, input: "" });
    }
    const call = event.type === "tool-input" ? calls.get(event.call) : undefined;
    if (event.type === "tool-input") expect(call, "it has begun").toBeDefined();
    if (call !== undefined && event.type === "tool-input") call.input += event.text;
  }
  return [...calls.values()];
}

/** What the provider makes of the `tool_calls` of these deltas. */
async function read(...pieces: object[][]): Promise<{ tool: string; input: string }[]> {
  fake.next({
    type: "answer",
    tokens: [],
    deltas: pieces.map((tool_calls) => ({ tool_calls })),
    finish: "tool_calls",
  });
  const { events, error, finish } = await collect(provider, { tools: [TOOL] });
  expect(error).toBeUndefined();
  expect(finish?.reason).toBe("tool-calls");
  return callsOf(events);
}

describe("tools", () => {
  it("are told to the server in OpenAI's words", async () => {
    await collect(provider, {
      tools: [TOOL, { name: "now", inputSchema: { type: "object" }, strict: true }],
    });
    expect(fake.calls[0]?.body?.["tools"]).toEqual([
      {
        type: "function",
        function: { name: "weather", description: TOOL.description, parameters: TOOL.inputSchema },
      },
      { type: "function", function: { name: "now", parameters: { type: "object" }, strict: true } },
    ]);
    expect(fake.calls[0]?.body).not.toHaveProperty("tool_choice");
  });

  it.each<[GenerateRequest["toolChoice"], unknown]>([
    ["auto", "auto"],
    ["none", "none"],
    ["required", "required"],
    [{ tool: "weather" }, { type: "function", function: { name: "weather" } }],
  ])("with the choice %j", async (toolChoice, said) => {
    await collect(provider, { tools: [TOOL], ...(toolChoice && { toolChoice }) });
    expect(fake.calls[0]?.body?.["tool_choice"]).toEqual(said);
  });

  it("are not spoken of where there are none, whatever the choice", async () => {
    await collect(provider, { toolChoice: "none" });
    expect(fake.calls[0]?.body).not.toHaveProperty("tools");
    expect(fake.calls[0]?.body).not.toHaveProperty("tool_choice");
  });
});

describe("calls", () => {
  it("that come in pieces and in turns are put together, beside text, however the bytes are cut", async () => {
    const deltas = callDeltas([
      { tool: "weather", input: OSLO },
      { tool: "now", input: "" },
      { tool: "weather", input: ROME },
    ]);
    for (const cutSeed of [undefined, 1, 2, 3]) {
      fake.next({
        type: "answer",
        tokens: ["Let me", " see."],
        deltas,
        finish: "tool_calls",
        ...(cutSeed !== undefined && { cutSeed }),
      });
      const { text, events, finish } = await collect(provider, { tools: [TOOL] });
      expect(text).toBe("Let me see.");
      expect(callsOf(events)).toEqual([
        { tool: "weather", input: OSLO },
        { tool: "now", input: "" },
        { tool: "weather", input: ROME },
      ]);
      expect(finish).toMatchObject({ reason: "tool-calls", usage: { inputTokens: 3 } });
    }
  });

  it("are told as they come, before the answer has ended", async () => {
    fake.next({
      type: "answer",
      tokens: [],
      deltas: callDeltas([{ tool: "weather", input: OSLO }]),
      hangAfter: 3,
    });
    const answer = provider.generate(
      { model: "m", messages: [], tools: [TOOL] },
      new AbortController().signal,
    );
    const iterator = answer[Symbol.asyncIterator]();
    const told = [await iterator.next(), await iterator.next(), await iterator.next()].map(
      ({ value }) => value,
    );
    expect(told).toEqual([
      { type: "tool-call", call: "call_0", tool: "weather" },
      { type: "tool-input", call: "call_0", text: OSLO.slice(0, 5) },
      { type: "tool-input", call: "call_0", text: OSLO.slice(5, 10) },
    ]);
    await iterator.return?.();
  });

  it.each<[string, string | null]>([
    ["stop", "stop"],
    ["tool_calls", "tool_calls"],
    ["nothing", null],
  ])("end with tool-calls where the server says %s", async (_name, finish) => {
    fake.next({ type: "answer", tokens: [], deltas: callDeltas([{ tool: "weather", input: OSLO }]), finish });
    expect((await collect(provider, "?")).finish?.reason).toBe("tool-calls");
  });

  it("that were cut off by the limit end with length", async () => {
    fake.next({
      type: "answer",
      tokens: [],
      deltas: callDeltas([{ tool: "weather", input: '{"ci' }]),
      finish: "length",
    });
    expect((await collect(provider, "?")).finish?.reason).toBe("length");
  });
});

describe("a server that", () => {
  const whole = { name: "weather", arguments: OSLO };
  const weather = { tool: "weather", input: OSLO };

  it("sends whole calls without an index or an id is understood", async () => {
    expect(await read([{ function: whole }, { function: whole }])).toEqual([weather, weather]);
    expect(await read([{ id: "", index: null, function: whole }], [{ function: whole }])).toEqual([
      weather,
      weather,
    ]);
  });

  it("sends pieces without an index goes on with the last call, or with that of the id", async () => {
    const calls = await read(
      [{ id: "a", function: { name: "weather", arguments: "" } }],
      [{ function: { arguments: '{"city":' } }],
      [{ id: "b", function: { name: "now", arguments: "{" } }],
      [{ id: "a", function: { arguments: '"Oslo"}' } }],
      [{ function: { arguments: "}" } }],
    );
    expect(calls).toEqual([weather, { tool: "now", input: "{}" }]);
  });

  it("gives each call the index 0 has several calls by their ids", async () => {
    const a = { index: 0, id: "a", type: "function", function: whole };
    const b = { ...a, id: "b" };
    expect(await read([a], [b])).toEqual([weather, weather]);
    expect(await read([a, b])).toEqual([weather, weather]);
  });

  it("repeats the id and the name on each piece has one call", async () => {
    const pieces = ["", '{"city":', '"Oslo"}'].map((text) => [
      { index: 0, id: "a", function: { name: "weather", arguments: text } },
    ]);
    expect(await read(...pieces)).toEqual([weather]);
  });

  it("sends an empty or another id with each piece, but no name, has one call", async () => {
    for (const [one, other] of [
      ["", ""],
      ["b", "c"],
    ]) {
      const calls = await read(
        [{ index: 0, id: "a", function: { name: "weather", arguments: null } }],
        [{ index: 0, id: one, function: { name: null, arguments: '{"city":' } }],
        [{ index: 0, id: other, function: { name: "", arguments: '"Oslo"}' } }],
      );
      expect(calls).toEqual([weather]);
    }
  });

  it("counts the index up from piece to piece has one call by its id", async () => {
    const calls = await read(
      [{ index: 0, id: "a", function: { name: "weather", arguments: "" } }],
      [{ index: 1, id: "a", function: { arguments: OSLO } }],
    );
    expect(calls).toEqual([weather]);
  });

  it("gives two calls one id, but an index each, has two", async () => {
    const call = { index: 0, id: "same", function: whole };
    expect(await read([call, { ...call, index: 1 }])).toEqual([weather, weather]);
  });

  it("names the tool after the id is waited for", async () => {
    const calls = await read(
      [{ index: 0, id: "a", type: "function" }],
      [{ index: 0, function: { name: "weather" } }],
      [{ index: 0, function: { arguments: OSLO } }],
    );
    expect(calls).toEqual([weather]);
  });

  it("sends an input as an object has its JSON text", async () => {
    expect(
      await read([{ index: 0, id: "a", function: { name: "weather", arguments: { city: "Oslo" } } }]),
    ).toEqual([weather]);
  });

  it("sends what is no call is not minded", async () => {
    fake.next({
      type: "answer",
      tokens: ["Hi"],
      deltas: [
        { tool_calls: null },
        { tool_calls: "call" },
        { tool_calls: {} },
        { tool_calls: [] },
        { tool_calls: [null, 7, "x", {}, { index: 0 }, { index: "0", function: null }] },
      ],
    });
    const { events, finish } = await collect(provider, "?");
    expect(callsOf(events)).toEqual([]);
    expect(finish?.reason).toBe("stop");
  });

  it.each<[string, object[], string]>([
    ["an input without a name", [{ index: 0, id: "a", function: { arguments: "{}" } }], "had not named"],
    ["a piece of no call", [{ index: 3, function: { arguments: "{}" } }], "had not named"],
    ["a call that is never named", [{ index: 0, id: "a", type: "function" }], "without naming it"],
  ])("sends %s has failed, after what was written", async (_name, tool_calls, words) => {
    fake.next({ type: "answer", tokens: ["Hi"], deltas: [{ tool_calls }], finish: "tool_calls" });
    const { text, error, finish } = await collect(provider, "?");
    expect(text).toBe("Hi");
    expect(error).toMatchObject({ code: "provider-failed", message: expect.stringContaining(words) });
    expect(finish).toBeUndefined();
  });
});

describe("what a server wants to have back with a call", () => {
  const extra = { google: { thought_signature: "c2ln" } };
  const called = (server: string) => ({
    role: "assistant" as const,
    text: "",
    calls: [
      { call: "a", tool: "weather", input: OSLO, providerMetadata: { [server]: { extra_content: extra } } },
    ],
  });

  it("comes with the call", async () => {
    const call = { index: 0, id: "a", function: { name: "weather", arguments: OSLO }, extra_content: extra };
    fake.next({ type: "answer", tokens: [], deltas: [{ tool_calls: [call] }] });
    const { events } = await collect(provider, "?");
    expect(events[1]).toMatchObject({
      type: "tool-input",
      text: OSLO,
      providerMetadata: { fake: { extra_content: extra } },
    });
  });

  it("is left out where it is more than 32,768 characters", async () => {
    const extra = { google: { thought_signature: "x".repeat(32_768) } };
    const call = { index: 0, id: "a", function: { name: "weather", arguments: OSLO }, extra_content: extra };
    fake.next({ type: "answer", tokens: [], deltas: [{ tool_calls: [call] }] });
    const { events } = await collect(provider, "?");
    expect(events[1]).toEqual({ type: "tool-input", call: "call_0", text: OSLO });
  });

  it("goes back to it, and to no other", async () => {
    await collect(provider, { messages: [called("fake"), called("other")] });
    const told = fake.calls[0]?.body?.messages as unknown as Told[];
    expect(told.map(({ tool_calls }) => tool_calls?.map(({ extra_content }) => extra_content))).toEqual([
      [extra],
      [undefined],
    ]);
  });
});

describe("a model that takes no tools", () => {
  const REFUSALS: [number, string][] = [
    [400, "registry.ollama.ai/library/gemma3:latest does not support tools"],
    [400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'],
    [500, "tools param requires --jinja flag"],
    [404, "No endpoints found that support tool use. Try another model."],
    [400, "`tool calling` is not supported with this model"],
    [400, "Unsupported parameter: 'tools' is not supported with this model."],
  ];
  const optional = { tools: [TOOL], areToolsOptional: true };

  it.each(REFUSALS)(
    "and says so by %i %s is asked without them, where it may go without",
    async (status, message) => {
      const warn = vi.fn();
      fake.next({ type: "status", status, body: { error: { message } } });
      expect((await collect(provider, { ...optional, warn })).text).toBe("Hello, world.");
      expect(fake.calls.map(({ body }) => body?.["tools"] !== undefined)).toEqual([true, false]);
      expect(warn).toHaveBeenCalledOnce();
    },
  );

  it("is asked without them at once for ten minutes", async () => {
    fake.next({ type: "status", status: 400, body: { error: "m does not support tools" } });
    await collect(provider, optional);
    now = 599_999;
    await collect(provider, optional);
    await collect(provider, { ...optional, model: "another" });
    now = 600_000;
    await collect(provider, optional);
    expect(fake.calls.map(({ body }) => body?.["tools"] !== undefined)).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
  });

  it("is remembered for at most 500 models", async () => {
    const take = async (model: string) => {
      fake.next({ type: "status", status: 400, body: { error: "it does not support tools" } });
      await collect(provider, { ...optional, warn: () => {}, model });
    };
    for (let model = 0; model <= 500; model++) await take(`m${model}`);
    const { length } = fake.calls;
    await collect(provider, { ...optional, model: "m500" });
    await collect(provider, { ...optional, model: "m0" });
    expect(fake.calls.slice(length).map(({ body }) => body?.["tools"] !== undefined)).toEqual([false, true]);
  });

  it("is not taken for one by a status that says something else", async () => {
    fake.next({ type: "status", status: 429, body: { error: "This plan does not support tools" } });
    const { error } = await collect(provider, optional);
    expect(error).toMatchObject({ code: "provider-busy" });
    expect(fake.calls).toHaveLength(1);
  });

  it("is a refusal where the tools were asked for", async () => {
    fake.next({ type: "status", status: 400, body: { error: "m does not support tools" } });
    const { error } = await collect(provider, { tools: [TOOL] });
    expect(error).toMatchObject({
      code: "provider-refused",
      message: expect.stringContaining("support tools"),
    });
    expect(fake.calls).toHaveLength(1);
  });

  it("is not taken for one where it refuses for another reason", async () => {
    fake.next({ type: "status", status: 400, body: { error: "Invalid schema for function 'weather'" } });
    expect((await collect(provider, optional)).error?.code).toBe("provider-refused");
    expect(fake.calls).toHaveLength(1);
  });

  it("and does not answer without them either is not remembered", async () => {
    for (let i = 0; i < 2; i++)
      fake.next({ type: "status", status: 400, body: { error: "does not support tools" } });
    expect((await collect(provider, optional)).error?.code).toBe("provider-refused");
    await collect(provider, optional);
    expect(fake.calls.map(({ body }) => body?.["tools"] !== undefined)).toEqual([true, false, true]);
  });
});
