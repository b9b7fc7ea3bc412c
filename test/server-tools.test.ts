import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { createOpenAIProvider } from "../src/chat/openai.ts";
import type { RunnerOptions } from "../src/chat/runner.ts";
import { partsOf } from "../src/protocol/part.ts";
import { createLogger } from "../src/server-log-lines.ts";
import { createServer, defineTool } from "../src/server.ts";
import type { MillraceServer, Tools } from "../src/server.ts";
import { callDeltas, startFakeProvider } from "./support/fake-provider.ts";
import type { FakeProvider, Told } from "./support/fake-provider.ts";

const OSLO = '{"city":"Oslo"}';
const tools: Tools = {
  weather: defineTool({
    description: "Tells the weather of a city.",
    input: z.object({ city: z.string() }),
    run: ({ city }) => ({ city, celsius: 3 }),
  }),
};

let fake: FakeProvider;
beforeEach(async () => {
  fake = await startFakeProvider();
});
afterEach(() => fake.close());

/** A chat of one question, and its answer once it has ended. */
async function answerOf(server: MillraceServer, text: string) {
  const { chat } = await server.chats.create("local", {});
  await server.chats.send("local", chat, { text });
  const answer = await vi.waitFor(async () => {
    const { state } = await server.chats.read("local", chat);
    const last = state.messages.at(-1);
    if (last?.role !== "assistant" || last.end === undefined) throw new Error("it is being written");
    return last;
  });
  return { chat, answer };
}

async function serve(runner: RunnerOptions = {}): Promise<MillraceServer & AsyncDisposable> {
  const server = await createServer({
    log: "memory",
    providers: [createOpenAIProvider({ name: "fake", baseUrl: fake.baseUrl })],
    model: "fake-model",
    hasPages: false,
    logger: createLogger({ level: "silent" }),
    tools,
    runner,
  });
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() });
}

test("a server's own tools are called by the model, and what came of it is told in the next request", async () => {
  fake.next({
    type: "answer",
    tokens: ["Let me see."],
    deltas: callDeltas([
      { tool: "weather", input: OSLO },
      { tool: "weather", input: '{"city":7}' },
      { tool: "weather", input: '{"city":' },
    ]),
    finish: "tool_calls",
  });
  fake.next({ type: "answer", tokens: ["3", " degrees."] });
  await using server = await serve();
  const { chat, answer } = await answerOf(server, "Oslo?");
  expect(answer.end).toMatchObject({ reason: "stop", usage: { inputTokens: 6 } });
  expect(partsOf(answer)).toMatchObject([
    { type: "text", text: "Let me see." },
    { type: "tool", tool: "weather", state: "output-end", input: { city: "Oslo" }, output: { celsius: 3 } },
    { type: "tool", state: "input-error", error: { code: "tool-input-invalid" } },
    { type: "tool", state: "input-error", error: { code: "tool-input-invalid" } },
    { type: "step-start" },
    { type: "text", text: "3 degrees." },
  ]);
  expect(fake.calls[0]?.body?.["tools"]).toMatchObject([
    { type: "function", function: { name: "weather", parameters: { required: ["city"] } } },
  ]);

  // The next turn tells it once more, as it was.
  await server.chats.send("local", chat, { text: "And tomorrow?" });
  await fake.whenCalled(3);
  for (const call of fake.calls.slice(1)) {
    const told = call.body?.messages as unknown as Told[];
    const [asked, said, ...results] = told.slice(0, 5);
    expect(asked).toEqual({ role: "user", content: "Oslo?" });
    expect(said).toMatchObject({ role: "assistant", content: "Let me see." });
    expect(said?.tool_calls?.map(({ function: made }) => made.arguments)).toEqual([
      OSLO,
      '{"city":7}',
      '{"city":',
    ]);
    expect(results.map(({ role, tool_call_id }) => [role, tool_call_id])).toEqual(
      said?.tool_calls?.map(({ id }) => ["tool", id]),
    );
    expect(results[0]?.content).toBe('{"city":"Oslo","celsius":3}');
    expect(results[2]?.content).toContain("no JSON");
  }
});

test("a server's own tools are not in the way of a model that takes none", async () => {
  fake.next({ type: "status", status: 400, body: { error: "fake-model does not support tools" } });
  const onWarning = vi.fn();
  await using server = await serve({ onWarning });
  const { answer } = await answerOf(server, "Hi");
  expect(answer).toMatchObject({ text: "Hello, world.", end: { reason: "stop" } });
  const message = "The model fake-model of fake takes no tools: it is asked without them.";
  expect(onWarning).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ message }));
});

test("a call of a tool with a name of 257 characters ends the run", async () => {
  fake.next({ type: "answer", tokens: [], deltas: callDeltas([{ tool: "x".repeat(257), input: "{}" }]) });
  await using server = await serve();
  const { answer } = await answerOf(server, "Hi");
  expect(answer.end).toMatchObject({ reason: "error", error: { code: "provider-failed" } });
});
