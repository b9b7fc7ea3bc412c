import { expect, test, vi } from "vitest";
import { z } from "zod";
import { parseStreamName } from "../../src/protocol/names.ts";
import type { StreamName } from "../../src/protocol/names.ts";
import { partsOf } from "../../src/protocol/part.ts";
import type { ToolPart } from "../../src/protocol/part.ts";
import type { AssistantChatMessage } from "../../src/protocol/chat.ts";
import { StreamError, createServer, defineTool } from "../../src/server.ts";
import type { MillraceServer, ServerOptions, Tools } from "../../src/server.ts";
import type { RunEnded } from "../../src/chat/run-reports.ts";
import type { RunnerOptions } from "../../src/chat/runner.ts";
import type { Commit } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { createLogger } from "../../src/server-log-lines.ts";

const weather = defineTool({
  description: "Tells the weather of a city.",
  input: z.object({ city: z.string() }),
  run: ({ city }) => ({ city, celsius: 3 }),
});

async function serve(
  tools: Tools,
  runner: RunnerOptions = {},
  more: ServerOptions = {},
): Promise<MillraceServer & AsyncDisposable> {
  const server = await createServer({
    log: "memory",
    isDev: true,
    model: "script",
    hasPages: false,
    logger: createLogger({ level: "silent" }),
    tools,
    runner,
    ...more,
  });
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() });
}

async function ask(server: MillraceServer, text: string): Promise<{ chat: string; message: string }> {
  const { chat } = await server.chats.create("local", {});
  const { message } = await server.chats.send("local", chat, { text });
  return { chat, message };
}

/** The answer, once it is as wanted. */
function answerWhen(
  server: MillraceServer,
  chat: string,
  isThere: (answer: AssistantChatMessage) => boolean,
): Promise<AssistantChatMessage> {
  return until(async () => {
    const { state } = await server.chats.read("local", chat);
    const answer = state.messages.findLast((message) => message.role === "assistant");
    return answer?.role === "assistant" && isThere(answer) ? answer : undefined;
  });
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const hasEnded = ({ end }: AssistantChatMessage) => end !== undefined;
const isAsked = (answer: AssistantChatMessage) =>
  callsIn(answer).some(({ state }) => state === "approval-request");

function callsIn(answer: AssistantChatMessage): ToolPart[] {
  return partsOf(answer).filter((part) => part.type === "tool");
}

test("a call, its input and its output are parts of the answer, and the model goes on with them", async () => {
  await using server = await serve({ weather });
  const { chat } = await ask(server, 'tool=weather input={"city":"Oslo"} tokens=3 rate=0');
  const answer = await answerWhen(server, chat, hasEnded);
  expect(answer.end).toMatchObject({ reason: "stop" });
  expect(partsOf(answer).map(({ type }) => type)).toEqual(["tool", "step-start", "text"]);
  expect(callsIn(answer)).toEqual([
    {
      type: "tool",
      call: expect.stringMatching(/^[a-z0-9]{7}00$/),
      tool: "weather",
      state: "output-end",
      input: { city: "Oslo" },
      output: { city: "Oslo", celsius: 3 },
    },
  ]);
});

test("what cannot be used is told to the model as the result of the call, and the run goes on", async () => {
  const onFault = vi.fn();
  await using server = await serve(
    {
      weather,
      throws: {
        run: () => {
          throw new Error("secret");
        },
      },
      says: {
        run: () => {
          throw new StreamError("tool-failed", "No such city.");
        },
      },
      hangs: { timeoutMs: 20, run: () => new Promise(() => {}) },
      huge: { run: () => "x".repeat(5 * 1_048_576) },
      strange: { run: () => 1n },
    },
    { onFault },
  );
  const outcome = async (prompt: string) => {
    const { chat } = await ask(server, `${prompt} tokens=1 rate=0`);
    const answer = await answerWhen(server, chat, hasEnded);
    expect(answer.end?.reason).toBe("stop");
    expect(partsOf(answer).at(-1)?.type).toBe("text");
    return callsIn(answer).map(({ state, error }) => [state, error?.code, error?.message]);
  };
  expect(await outcome('tool=weather input={"city":')).toEqual([
    ["input-error", "tool-input-invalid", "The input is no JSON."],
  ]);
  expect(await outcome('tool=weather input={"city":1}')).toEqual([
    ["input-error", "tool-input-invalid", expect.stringContaining("city: ")],
  ]);
  expect(await outcome("tool=nothing")).toEqual([
    ["input-error", "tool-unknown", 'There is no tool "nothing".'],
  ]);
  expect(await outcome("tool=throws")).toEqual([["output-error", "tool-failed", "The tool throws failed."]]);
  expect(await outcome("tool=says")).toEqual([["output-error", "tool-failed", "No such city."]]);
  expect(await outcome("tool=hangs")).toEqual([
    ["output-error", "tool-timeout", expect.stringContaining("20 ms")],
  ]);
  expect(await outcome("tool=huge")).toEqual([
    ["output-error", "output-too-large", expect.stringContaining("200000")],
  ]);
  expect(await outcome("tool=strange")).toEqual([["output-error", "tool-failed", expect.any(String)]]);
  expect(await outcome("tool=says,hangs,huge,weather,says,says,says,says,says,nothing")).toHaveLength(10);
  // What has said nothing to the reader.
  expect(onFault).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ tool: "throws", error: expect.objectContaining({ message: "secret" }) }),
  );
});

test("a call waits until a person allows it; the first answer holds", async () => {
  await using server = await serve({ pay: { needsApproval: true, run: () => "paid" } });
  const { chat } = await ask(server, "tool=pay tokens=1 rate=0");
  const [call] = callsIn(await answerWhen(server, chat, isAsked));
  const answer = (approved: boolean) =>
    server.chats.answerCall("local", chat, call?.call ?? "", { approved });
  const first = await Promise.allSettled([answer(true), answer(false)]);
  expect(first.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(await answer(true)).toBe("repeated");
  await expect(answer(false)).rejects.toMatchObject({ code: "call-answered" });
  await expect(server.chats.answerCall("local", chat, "unknown00", { approved: true })).rejects.toMatchObject(
    {
      code: "call-unknown",
    },
  );
  await expect(server.chats.answerCall("other", chat, "unknown00", { approved: true })).rejects.toMatchObject(
    {
      code: "chat-unknown",
    },
  );
  const ended = await answerWhen(server, chat, hasEnded);
  expect(callsIn(ended)).toMatchObject([
    { state: "output-end", approved: true, person: "local", output: "paid" },
  ]);
});

test("a call that a person denies is not run, and the model is told why", async () => {
  let runs = 0;
  await using server = await serve({ pay: { needsApproval: true, run: () => (runs += 1) } });
  const { chat } = await ask(server, "tool=pay tokens=1 rate=0");
  const [call] = callsIn(await answerWhen(server, chat, isAsked));
  await server.chats.answerCall("local", chat, call?.call ?? "", { approved: false, reason: "Too dear." });
  const ended = await answerWhen(server, chat, hasEnded);
  expect(callsIn(ended)).toMatchObject([{ state: "approval-respond", approved: false, reason: "Too dear." }]);
  expect(ended.text).not.toBe("");
  expect(runs).toBe(0);
});

test("a stop ends a call that waits, and aborts one that runs", async () => {
  const signals: AbortSignal[] = [];
  await using server = await serve({
    pay: { needsApproval: true, run: () => "paid" },
    hangs: { run: (_, { signal }) => (signals.push(signal), new Promise(() => {})) },
  });
  const { chat } = await ask(server, "tool=pay,hangs");
  const waiting = await answerWhen(server, chat, (one) => isAsked(one) && signals.length === 1);
  await server.chats.stop("local", chat);
  const ended = await answerWhen(server, chat, hasEnded);
  expect(ended.end?.reason).toBe("cancelled");
  expect(signals[0]?.aborted).toBe(true);
  const late = server.chats.answerCall("local", chat, callsIn(waiting)[0]?.call ?? "", { approved: true });
  await expect(late).rejects.toMatchObject({ code: "run-ended" });
  expect(server.runner.openRuns).toBe(0);
});

test("a call that waits ends with its run, where the log has deleted or lost the stream: nobody could answer it", async () => {
  for (const loss of ["deleted", "replaced"] as const) {
    const memory = createMemoryLog();
    const watchers = new Set<(commit: Commit) => void>();
    const log = {
      ...memory,
      watch(stream: StreamName, onCommit: (commit: Commit) => void) {
        watchers.add(onCommit);
        const unwatch = memory.watch(stream, onCommit);
        return () => {
          watchers.delete(onCommit);
          unwatch();
        };
      },
    };
    const ends: RunEnded[] = [];
    const onEnd = (end: RunEnded) => ends.push(end);
    await using server = await serve({ pay: { needsApproval: true, run: () => "paid" } }, { onEnd }, { log });
    const { chat } = await ask(server, "tool=pay tokens=1 rate=0");
    await answerWhen(server, chat, isAsked);
    // A log in Redis says this, where Redis has lost what it had.
    if (loss === "replaced") for (const tell of watchers) tell({ type: "replaced" });
    else await server.log.delete(parseStreamName(`chats/${chat}`));
    await expect
      .poll(() => ends, { timeout: 60_000 })
      .toMatchObject([{ reason: "error", error: "log-unavailable" }]);
    expect(server.runner.openRuns).toBe(0);
    if (loss === "deleted") continue;
    // Whoever still reads it is told.
    const ended = await answerWhen(server, chat, hasEnded);
    expect(ended.end).toMatchObject({ reason: "error", error: { code: "log-unavailable" } });
    expect(ended.end?.error?.message).toContain("cannot be answered any more");
    expect(ended.text).toBe("");
  }
});

test("a model that calls without end is asked so many times, the last time to answer", async () => {
  await using server = await serve({ weather }, { maxSteps: 3 });
  const prompt = `input={"city":"Oslo"} ${"tool=weather ".repeat(9)}tokens=1 rate=0`;
  const { chat } = await ask(server, prompt);
  const ended = await answerWhen(server, chat, hasEnded);
  expect(ended.end?.reason).toBe("stop");
  expect(callsIn(ended)).toHaveLength(2);
  expect(ended.text).not.toBe("");
});

test("a tool that needs a person is not offered where there is none", async () => {
  await using server = await serve({ pay: { needsApproval: true, run: () => "paid" } });
  const { run, ended } = await server.runner.start({
    messages: [{ role: "user", text: "tool=pay tokens=1 rate=0" }],
  });
  await ended;
  const response = await server.fetch(new Request(`http://127.0.0.1/v1/runs/${run}`));
  expect(await response.json()).toMatchObject({
    reason: "stop",
    parts: [{ error: { code: "tool-unknown" } }, {}, {}],
  });
});

test("a tool that is for certain models is offered to no other", async () => {
  await using server = await serve({
    ours: { models: ["other", "script"], run: () => "run" },
    theirs: { models: ["other"], run: () => "run" },
  });
  const { chat } = await ask(server, "tool=ours,theirs tokens=1 rate=0");
  const calls = callsIn(await answerWhen(server, chat, hasEnded));
  expect(calls.map(({ tool, state }) => [tool, state])).toEqual([
    ["ours", "output-end"],
    ["theirs", "input-error"],
  ]);
});

test("a tool adds parts of its own to the answer", async () => {
  await using server = await serve({
    walk: {
      run: (_, { write }) => {
        for (const done of [1, 2]) write({ type: "data-progress", id: "p", data: { done } });
        expect(() => write({ type: "text-delta" as "data-x", data: "" })).toThrow(/data-progress/);
        return "there";
      },
    },
  });
  const { chat } = await ask(server, "tool=walk tokens=1 rate=0");
  const ended = await answerWhen(server, chat, hasEnded);
  expect(partsOf(ended)).toMatchObject([
    { output: "there" },
    { type: "data-progress", data: { done: 2 } },
    {},
    {},
  ]);
});
