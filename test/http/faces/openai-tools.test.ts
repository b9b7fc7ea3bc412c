import type OpenAI from "openai";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createOpenAIProvider } from "../../../src/chat/openai.ts";
import type { GenerateRequest, ProviderEvent } from "../../../src/chat/provider.ts";
import { readUntil } from "../../support/app.ts";
import { callDeltas, startFakeProvider } from "../../support/fake-provider.ts";
import { asked, chunksOf, startFace, streamed } from "../../support/openai-face.ts";
import type { TestFace } from "../../support/openai-face.ts";
import { readLines } from "../../support/openai-lines.ts";

/** Two long numbers and a space: what is read and written once more is not the same. */
const EXACT = '{"city": "Oslo","id":12345678901234567890}';

const weather = {
  type: "function" as const,
  function: {
    name: "weather",
    description: "Tells the weather.",
    parameters: { type: "object", properties: { city: { type: "string" } } },
  },
};
const clock = { type: "function" as const, function: { name: "clock" } };
const withTools = { ...asked, tools: [weather, clock] };
const withToolsStreamed = { ...streamed, tools: [weather, clock] };

type ToolCall = OpenAI.ChatCompletionMessageFunctionToolCall;
type Delta = OpenAI.ChatCompletionChunk.Choice.Delta;

let app: TestFace;
beforeEach(async () => {
  app = await startFace();
});
afterEach(() => app[Symbol.asyncDispose]());

/** A model that calls these once, in turns, and answers with what came of them. */
function calls(...inputs: { tool: string; input: string; executor?: "provider" }[]) {
  return async function* ({ messages }: GenerateRequest): AsyncGenerator<ProviderEvent, void, undefined> {
    const results = messages.filter(({ role }) => role === "tool").map(({ text }) => text);
    if (results.length > 0) {
      yield { type: "text", text: `So: ${results.join(", ")}.` };
      yield { type: "finish", reason: "stop" };
      return;
    }
    for (const [index, { tool, executor }] of inputs.entries())
      yield { type: "tool-call", call: `c${index}`, tool, ...(executor && { executor }) };
    for (let at = 0; at < Math.max(...inputs.map(({ input }) => input.length)); at += 6) {
      for (const [index, { input }] of inputs.entries()) {
        const text = input.slice(at, at + 6);
        if (text !== "") yield { type: "tool-input", call: `c${index}`, text };
      }
    }
    yield { type: "finish", reason: "tool-calls" };
  };
}

/** The calls of the pieces of a stream, put together by their index, as clients do. */
function assemble(deltas: readonly Delta[]): { id: string; name: string; text: string }[] {
  const made: { id: string; name: string; text: string }[] = [];
  for (const { index, id, function: piece } of deltas.flatMap(({ tool_calls }) => tool_calls ?? [])) {
    if (id !== undefined) {
      expect(made[index], "a call begins once").toBeUndefined();
      made[index] = { id, name: piece?.name ?? "", text: "" };
    }
    const call = made[index];
    expect(call, "a piece follows its beginning").toBeDefined();
    if (call !== undefined) call.text += piece?.arguments ?? "";
  }
  return made;
}

function deltasOf(data: readonly unknown[]): Delta[] {
  return (data as OpenAI.ChatCompletionChunk[]).flatMap(({ choices }) => choices.map(({ delta }) => delta));
}

test("tools, the choice and whether calls come at once reach the model, and take the place of the server's", async () => {
  await app.client.chat.completions.create({
    ...asked,
    tools: [weather, { ...clock, function: { name: "clock", strict: true } }],
    tool_choice: { type: "function", function: { name: "clock" } },
    parallel_tool_calls: false,
  });
  await app.client.chat.completions.create({ ...withTools, tool_choice: "required" });
  expect(app.told.calls[0]).toMatchObject({
    tools: [
      { name: "weather", description: "Tells the weather.", inputSchema: weather.function.parameters },
      { name: "clock", inputSchema: { type: "object", properties: {} }, strict: true },
    ],
    areToolsOptional: false,
    toolChoice: { tool: "clock" },
    callsInParallel: false,
  });
  expect(app.told.calls[1]).toMatchObject({ toolChoice: "required" });
  expect(app.told.calls[1]).not.toHaveProperty("callsInParallel");
});

test("calls stream as pieces with their index, each begun once with id and name", async () => {
  app.told.answer = calls({ tool: "weather", input: EXACT }, { tool: "clock", input: "" });
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of await app.client.chat.completions.create(withToolsStreamed)) chunks.push(chunk);
  const deltas = deltasOf(chunks);
  expect(deltas[0]).toEqual({ role: "assistant", content: "" });
  expect(deltas[1]).toEqual({
    tool_calls: [
      {
        index: 0,
        id: expect.stringMatching(/^[a-z0-9]{9}$/),
        type: "function",
        function: { name: "weather", arguments: "" },
      },
    ],
  });
  expect(assemble(deltas)).toMatchObject([
    { name: "weather", text: EXACT },
    // Servers that send nothing for a tool without input are made good for: clients parse it.
    { name: "clock", text: "{}" },
  ]);
  expect(chunks.map(({ choices }) => choices[0]?.finish_reason).filter(Boolean)).toEqual(["tool_calls"]);
});

test("the package's accumulating stream is satisfied", async () => {
  app.told.answer = calls({ tool: "weather", input: EXACT }, { tool: "clock", input: '{"zone":"UTC"}' });
  const final = await app.client.chat.completions.stream(withTools).finalChatCompletion();
  expect(final.choices[0]).toMatchObject({
    finish_reason: "tool_calls",
    message: {
      tool_calls: [
        { type: "function", function: { name: "weather", arguments: EXACT } },
        { type: "function", function: { name: "clock", arguments: '{"zone":"UTC"}' } },
      ],
    },
  });
});

test("without a stream the calls stand in the message, to the letter, and the content is null", async () => {
  app.told.answer = calls({ tool: "weather", input: EXACT }, { tool: "clock", input: "" });
  const answer = await app.client.chat.completions.create(withTools);
  expect(answer.choices[0]).toMatchObject({
    finish_reason: "tool_calls",
    message: {
      role: "assistant",
      content: null,
      tool_calls: [
        { id: expect.any(String), type: "function", function: { name: "weather", arguments: EXACT } },
        { id: expect.any(String), type: "function", function: { name: "clock", arguments: "{}" } },
      ],
    },
  });
});

test.each([false, true])("the package runs the tools itself and goes on (stream: %s)", async (stream) => {
  app.told.answer = calls(
    { tool: "weather", input: '{"city":"Oslo"}' },
    { tool: "weather", input: '{"city":' },
    { tool: "nothing", input: "{}" },
  );
  const asking = {
    ...asked,
    tools: [
      {
        type: "function" as const,
        function: {
          ...weather.function,
          parse: JSON.parse,
          function: ({ city }: { city: string }) => `3 degrees in ${city}`,
        },
      },
    ],
  };
  const runner = stream
    ? app.client.chat.completions.runTools({ ...asking, stream: true })
    : app.client.chat.completions.runTools(asking);
  expect(await runner.finalContent()).toContain("So: 3 degrees in Oslo, ");
  expect(app.told.calls).toHaveLength(2);
  const [, called, ...results] = app.told.calls[1]?.messages ?? [];
  expect(called).toMatchObject({
    role: "assistant",
    text: "",
    calls: [
      { tool: "weather", input: '{"city":"Oslo"}' },
      { tool: "weather", input: '{"city":' },
      { tool: "nothing", input: "{}" },
    ],
  });
  const ids = called?.role === "assistant" ? called.calls?.map(({ call }) => call) : undefined;
  expect(new Set(ids).size).toBe(3);
  expect(results.map((message) => message.role === "tool" && message.call)).toEqual(ids);
  expect(results[0]).toEqual({ role: "tool", call: ids?.[0], tool: "weather", text: "3 degrees in Oslo" });
});

test("calls go through to a server that speaks OpenAI, and come back as it made them", async () => {
  await using fake = await disposable();
  const provider = createOpenAIProvider({ name: "fake", baseUrl: fake.baseUrl });
  await using face = await startFace({ providers: [provider], model: "fake-model" });
  const made = [
    { tool: "weather", input: EXACT },
    { tool: "clock", input: "{}" },
  ];
  for (let i = 0; i < 2; i++)
    fake.next({
      type: "answer",
      tokens: ["One", " moment."],
      deltas: callDeltas(made),
      finish: "tool_calls",
    });
  const toFake = {
    ...withTools,
    model: "fake-model",
    tool_choice: "auto" as const,
    parallel_tool_calls: true,
  };
  const streamedMessage = (await face.client.chat.completions.stream(toFake).finalChatCompletion()).choices[0]
    ?.message;
  const message = (await face.client.chat.completions.create(toFake)).choices[0]?.message;
  for (const one of [streamedMessage, message]) {
    expect(one?.content).toBe("One moment.");
    expect(one?.tool_calls?.map((call) => (call as ToolCall).function)).toMatchObject([
      { name: "weather", arguments: EXACT },
      { name: "clock", arguments: "{}" },
    ]);
  }
  expect(fake.calls[0]?.body).toMatchObject({
    tools: [weather, { type: "function", function: { name: "clock" } }],
    tool_choice: "auto",
    parallel_tool_calls: true,
  });
  const results = (message?.tool_calls ?? []).map(({ id }) => ({
    role: "tool" as const,
    tool_call_id: id,
    content: "fine",
  }));
  await face.client.chat.completions.create({
    ...toFake,
    messages: [...asked.messages, ...(message ? [message] : []), ...results],
  });
  const { content, tool_calls } = message ?? {};
  expect(fake.calls[2]?.body?.messages).toEqual([
    ...asked.messages,
    { role: "assistant", content, tool_calls },
    ...results,
  ]);
});

test("what the server runs is not told as a call: the client would run it, too", async () => {
  await app[Symbol.asyncDispose]();
  let runs = 0;
  app = await startFace({ tools: { weather: { run: () => `${++runs} degrees` } } });
  app.told.answer = calls({ tool: "weather", input: "{}" });
  const chunks = await chunksOf(await app.post(streamed));
  expect(JSON.stringify(chunks)).not.toContain("tool_calls");
  expect(
    deltasOf(chunks)
      .map(({ content }) => content ?? "")
      .join(""),
  ).toBe("So: 1 degrees.");
  const answer = await app.client.chat.completions.create(asked);
  expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "So: 2 degrees." } });
  expect(answer.choices[0]?.message).not.toHaveProperty("tool_calls");
  expect(runs).toBe(2);
});

test("a client's tools, even none, take the place of the server's", async () => {
  await app[Symbol.asyncDispose]();
  app = await startFace({
    tools: {
      weather: {
        run: () => {
          throw new Error("is not to run");
        },
      },
    },
  });
  await app.post({ ...asked, tools: [] });
  await app.post(asked);
  expect(app.told.calls.map(({ tools }) => tools?.map(({ name }) => name))).toEqual([undefined, ["weather"]]);
  app.told.answer = calls({ tool: "weather", input: "{}" });
  const answer = await app.client.chat.completions.create(withTools);
  expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
});

test("what the provider has run itself is not told, and leaves no hole among the indexes", async () => {
  app.told.answer = calls(
    { tool: "search", input: '{"q":"x"}', executor: "provider" },
    { tool: "weather", input: EXACT },
    { tool: "search", input: '{"q":"y"}', executor: "provider" },
    { tool: "clock", input: "{}" },
  );
  const wanted = [
    { name: "weather", text: EXACT },
    { name: "clock", text: "{}" },
  ];
  const made = assemble(deltasOf(await chunksOf(await app.post(withToolsStreamed))));
  expect(Object.keys(made)).toEqual(["0", "1"]);
  expect(made).toMatchObject(wanted);
  const whole = (await app.client.chat.completions.create(withTools)).choices[0]?.message.tool_calls;
  expect(whole?.map((call) => (call as ToolCall).function.name)).toEqual(["weather", "clock"]);
});

function dataOf(blocks: readonly string[]): unknown[] {
  return readLines(blocks.join("\n\n")).data;
}

test("a call that is read on from any of its pieces is the same", async () => {
  app.told.answer = calls(
    { tool: "weather", input: EXACT },
    { tool: "clock", input: '{"zone":"Europe/Oslo"}' },
  );
  const headers = { "Idempotency-Key": "tools-1", "X-Millrace-Persist": "1" };
  const whole = await (await app.post(withToolsStreamed, headers)).text();
  const blocks = whole.split("\n\n").filter((block) => block.startsWith("id: "));
  const wanted = assemble(deltasOf(dataOf(blocks)));
  expect(wanted).toMatchObject([{ text: EXACT }, { text: '{"zone":"Europe/Oslo"}' }]);
  for (let had = 1; had < blocks.length; had++) {
    const cursor = /^id: (\S+)/.exec(blocks[had - 1] ?? "")?.[1] ?? "";
    const rest = await (await app.post(withToolsStreamed, { ...headers, "Last-Event-ID": cursor })).text();
    const made = assemble(deltasOf([...dataOf(blocks.slice(0, had)), ...readLines(rest).data]));
    expect(made, `from ${cursor}`).toEqual(wanted);
  }
  expect(app.told.calls).toHaveLength(1);
});

test("an input of more than 200,000 characters is an error, never a part of it", async () => {
  app.told.answer = async function* () {
    yield { type: "tool-call", call: "a", tool: "weather" };
    for (let i = 0; i < 21; i++) yield { type: "tool-input", call: "a", text: "1".repeat(10_000) };
    yield { type: "finish", reason: "tool-calls" };
  };
  const { data } = readLines(await (await app.post(withToolsStreamed)).text());
  expect(data.at(-1)).toMatchObject({ error: { code: "provider-failed" } });
  expect((await app.post(withTools)).status).toBe(502);
});

test("calls that were cut off by a stop or by the limit are not to be run", async () => {
  app.told.answer = async function* () {
    yield { type: "tool-call", call: "a", tool: "weather" };
    yield { type: "tool-input", call: "a", text: '{"ci' };
    yield { type: "finish", reason: "length" };
  };
  const answer = await app.client.chat.completions.create(withTools);
  expect(answer.choices[0]?.finish_reason).toBe("length");
  expect(answer.choices[0]?.message).not.toHaveProperty("tool_calls");

  app.told.answer = async function* (_request, signal) {
    yield { type: "tool-call", call: "a", tool: "weather" };
    yield { type: "tool-input", call: "a", text: '{"ci' };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  };
  const response = await app.post(withToolsStreamed, { "X-Millrace-Persist": "1" });
  const [head, rest] = response.body?.tee() ?? [];
  await readUntil(new Response(head), '{\\"ci');
  await app.send("POST", `/v1/runs/${response.headers.get("x-millrace-run")}/stop`, {});
  const { data } = readLines(await new Response(rest).text());
  expect(data.at(-1)).toMatchObject({ choices: [{ finish_reason: "stop" }] });
});

const called = (id: string) => ({
  id,
  type: "function" as const,
  function: { name: "weather", arguments: EXACT },
});
const prompted = (call: string) => ({ call, tool: "weather", input: EXACT });

test("messages of the assistant and of tools reach the model as calls and results", async () => {
  await app.client.chat.completions.create({
    model: "told",
    messages: [
      ...asked.messages,
      { role: "assistant", content: "Let me see.", tool_calls: [called("one"), called("two")] },
      { role: "tool", tool_call_id: "two", content: [{ type: "text", text: "3" }] },
      { role: "tool", tool_call_id: "one", content: "" },
      { role: "assistant", content: "3 degrees.", tool_calls: [] },
      { role: "user", content: "Thanks" },
    ],
  });
  expect(app.told.calls[0]?.messages).toEqual([
    { role: "user", text: "Why?" },
    { role: "assistant", text: "Let me see.", calls: [prompted("one"), prompted("two")] },
    { role: "tool", call: "two", tool: "weather", text: "3" },
    { role: "tool", call: "one", tool: "weather", text: "" },
    { role: "assistant", text: "3 degrees." },
    { role: "user", text: "Thanks" },
  ]);
});

const callA = { id: "a", type: "function", function: { name: "f", arguments: "{}" } };
test.each<[string, object, string]>([
  ["a tool of another type", { tools: [{ type: "custom", custom: { name: "f" } }] }, "tools.0.type"],
  ["a tool without a name", { tools: [{ type: "function", function: {} }] }, "tools.0.function.name"],
  [
    "a name with a space",
    { tools: [{ type: "function", function: { name: "a b" } }] },
    "tools.0.function.name",
  ],
  [
    "parameters that are a text",
    { tools: [{ type: "function", function: { name: "f", parameters: "{}" } }] },
    "tools.0.function.parameters",
  ],
  ["129 tools", { tools: Array.from({ length: 129 }, () => clock) }, "tools"],
  ["tools that are none", { tools: "clock" }, "tools"],
  ["an unknown choice", { tools: [clock], tool_choice: "any" }, "tool_choice"],
  [
    "a choice that is not offered",
    { tools: [clock], tool_choice: { type: "function", function: { name: "weather" } } },
    "tool_choice",
  ],
  [
    "a result before its call",
    {
      messages: [
        { role: "tool", tool_call_id: "a", content: "1" },
        { role: "assistant", tool_calls: [callA] },
      ],
    },
    "messages.0.tool_call_id",
  ],
  [
    "a result without a call",
    {
      messages: [
        { role: "assistant", tool_calls: [callA] },
        { role: "tool", content: "1" },
      ],
    },
    "messages.1.tool_call_id",
  ],
  [
    "a call without a name",
    { messages: [{ role: "assistant", tool_calls: [{ id: "a", function: { arguments: "" } }] }] },
    "messages.0.tool_calls.0.function.name",
  ],
  [
    "an input that is no text",
    { messages: [{ role: "assistant", tool_calls: [{ id: "a", function: { name: "f", arguments: {} } }] }] },
    "messages.0.tool_calls.0.function.arguments",
  ],
])("%s is refused, and the parameter is named", async (_name, body, param) => {
  const response = await app.post({ ...asked, ...body });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { type: "invalid_request_error", code: "invalid-request", param },
  });
  expect(app.told.calls).toHaveLength(0);
});

test("the inputs of former calls count among the 1,000,000 characters", async () => {
  const long = { ...callA, function: { name: "f", arguments: "x".repeat(999_999) } };
  const history = (content: string) => [
    { role: "assistant", content: null, tool_calls: [long] },
    { role: "tool", tool_call_id: "a", content },
  ];
  expect((await app.post({ ...asked, messages: history("1") })).status).toBe(200);
  expect((await app.post({ ...asked, messages: history("12") })).status).toBe(413);
});

async function disposable() {
  const fake = await startFakeProvider();
  return Object.assign(fake, { [Symbol.asyncDispose]: () => fake.close() });
}
