import { createHash } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { createModelRegistry } from "../../src/chat/models.ts";
import type { Provider, ProviderEvent } from "../../src/chat/provider.ts";
import { createRunner } from "../../src/chat/runner.ts";
import type { Runner, RunnerOptions } from "../../src/chat/runner.ts";
import { createBus } from "../../src/log/bus.ts";
import type { Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { StreamError } from "../../src/protocol/error.ts";
import type { Entry } from "../../src/protocol/event.ts";
import { runStream } from "../../src/protocol/names.ts";
import { foldRun } from "../../src/protocol/run.ts";
import type { RunState } from "../../src/protocol/run.ts";
import { gate } from "../support/app.ts";
import { createRandom } from "../support/seeded.ts";
import { createSlowLog, oneTurn } from "../support/slow-log.ts";

type Generate = (signal: AbortSignal) => AsyncIterable<ProviderEvent>;

let log: Log = createMemoryLog();
afterEach(async () => {
  vi.useRealTimers();
  await log.close();
});

function startRunner(
  generate: Generate,
  { over, ...options }: RunnerOptions & { over?: (log: Log) => Log } = {},
): Runner {
  log = createMemoryLog();
  const provider: Provider = {
    name: "test",
    models: () => Promise.resolve([{ id: "test", origin: "test" }]),
    generate: (_, signal) => generate(signal),
  };
  return createRunner(over?.(log) ?? log, createModelRegistry([provider]), options);
}

async function ask(runner: Runner): Promise<string> {
  const { run } = await runner.start({ messages: [{ role: "user", text: "Why?" }] });
  return run;
}

async function entriesOf(run: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (;;) {
    const page = await log.read(runStream(run), entries.at(-1)?.offset ?? 0);
    if (page.status !== "page" || page.entries.length === 0) return entries;
    entries.push(...page.entries);
  }
}

async function ended(run: string): Promise<RunState> {
  return vi.waitFor(async () => {
    const state = foldRun(await entriesOf(run));
    expect(state.status).toBe("ended");
    return state;
  });
}

function words(count: number): string[] {
  return Array.from({ length: count }, (_, n) => ` word${n}`);
}

async function* say(texts: readonly string[]): AsyncGenerator<ProviderEvent> {
  for (const text of texts) yield { type: "text", text };
  yield { type: "finish", reason: "stop", usage: { outputTokens: texts.length } };
}

test("writes start, deltas and end in order, with usage, timing and the hash of the text", async () => {
  const runner = startRunner(async function* () {
    yield { type: "reasoning", text: "hm" };
    yield* say(["Hello", " 🌊"]);
  });
  const run = await ask(runner);
  const state = await ended(run);
  expect((await entriesOf(run)).map(({ data }) => (JSON.parse(data) as { type: string }).type)).toEqual([
    "message-start",
    "reasoning-delta",
    "text-delta",
    "message-end",
  ]);
  expect(state).toMatchObject({
    model: "test",
    text: "Hello 🌊",
    reasoning: "hm",
    reason: "stop",
    usage: { outputTokens: 2 },
  });
  expect(state.sha256).toBe(createHash("sha256").update("Hello 🌊").digest("hex"));
  expect(state.timing).toMatchObject({ totalMs: expect.any(Number), firstTokenMs: expect.any(Number) });
  expect(runner.openRuns).toBe(0);
  expect((await log.info(runStream(run)))?.isClosed).toBe(true);
});

test("appends the first delta at once, while the provider still writes", async () => {
  const go = gate();
  const runner = startRunner(async function* () {
    yield { type: "text", text: "first" };
    await go.opened;
    yield* say(["second"]);
  });
  const run = await ask(runner);
  await vi.waitFor(async () => expect(foldRun(await entriesOf(run)).text).toBe("first"));
  go.open();
  expect((await ended(run)).text).toBe("firstsecond");
});

test("a slow log adds its latency once, not per token", async () => {
  let appends = 0;
  const runner = startRunner(() => say(words(2_000)), {
    over: (inner) => {
      const slow = createSlowLog(inner, { random: createRandom(3), delayMs: [20, 25] });
      return {
        ...slow,
        append: (...call) => {
          appends += 1;
          return slow.append(...call);
        },
      };
    },
  });
  const state = await ended(await ask(runner));
  expect(state).toMatchObject({ text: words(2_000).join(""), reason: "stop" });
  expect(appends).toBeLessThan(20);
});

test.each([1, 2, 3, 4, 5])("failures of unknown outcome lose and double nothing (seed %i)", async (seed) => {
  const random = createRandom(seed);
  const runner = startRunner(
    async function* () {
      for (const text of words(300)) {
        yield { type: "text", text };
        if (random.next() < 0.2) await new Promise((resolve) => setImmediate(resolve));
      }
      yield { type: "finish", reason: "stop" };
    },
    {
      over: (inner) => {
        const slow = createSlowLog(inner, { random, delayMs: [0, 1], failureRate: 0.3, sleep: oneTurn });
        // The start is the caller's: it is not sent again by the run.
        return {
          ...slow,
          append: (...call) => (call[2]?.create === undefined ? slow : inner).append(...call),
        };
      },
    },
  );
  const state = await ended(await ask(runner));
  expect(state).toMatchObject({ text: words(300).join(""), reason: "stop" });
});

test("a provider that fails ends its run with the code, and keeps what it wrote", async () => {
  const runner = startRunner(async function* () {
    yield { type: "text", text: "kept" };
    throw new StreamError("provider-busy", "Too many. Ask later.");
  });
  expect(await ended(await ask(runner))).toMatchObject({
    text: "kept",
    reason: "error",
    error: { code: "provider-busy", message: "Too many. Ask later.", retryable: true },
  });
});

test("a part that is too large for an event ends its run with a word, and what was said before is kept", async () => {
  const runner = startRunner(async function* () {
    yield { type: "text", text: "Look: " };
    await oneTurn();
    yield { type: "part", part: { type: "data-picture", data: "x".repeat(300_000) } };
  });
  expect(await ended(await ask(runner))).toMatchObject({
    text: "Look: ",
    reason: "error",
    error: { code: "output-too-large" },
  });
  await runner.close();
});

test("what the log refuses for good ends its run, and nothing else", async () => {
  let isFull = false;
  const runner = startRunner(() => say(["never", "kept"]), {
    over: (own) => ({
      ...own,
      append: (stream, events, options) => {
        // The start is taken, and nothing after it until the end of others.
        if (options?.writer !== undefined && isFull)
          return Promise.reject(new StreamError("event-too-large", "No."));
        isFull = true;
        return own.append(stream, events, options);
      },
    }),
  });
  expect(await ended(await ask(runner))).toMatchObject({ text: "", reason: "interrupted" });
  expect(runner.openRuns).toBe(0);
  await runner.close();
});

test("a provider that stops without saying so has failed", async () => {
  const runner = startRunner(async function* () {
    yield { type: "text", text: "half" };
  });
  expect(await ended(await ask(runner))).toMatchObject({
    text: "half",
    reason: "error",
    error: { code: "provider-failed" },
  });
});

test("ends with `length` at its limit of deltas, and asks the provider no further", async () => {
  let taken = 0;
  const runner = startRunner(
    async function* () {
      for (;;) {
        taken += 1;
        yield { type: "text", text: "x" };
      }
    },
    { maxDeltas: 50 },
  );
  expect(await ended(await ask(runner))).toMatchObject({ text: "x".repeat(50), reason: "length" });
  expect(taken).toBe(50);
});

test.each([
  ["before the first delta", [], { firstDeltaMs: 10_000 }],
  ["between deltas", ["one"], { silenceMs: 10_000 }],
] as const)("gives up a provider that is silent %s, and aborts it", async (_, texts, options) => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  let aborted = false;
  const runner = startRunner(async function* (signal) {
    for (const text of texts) yield { type: "text", text };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    aborted = true;
  }, options);
  const run = await ask(runner);
  await vi.advanceTimersByTimeAsync(9_000);
  expect(foldRun(await entriesOf(run)).status).toBe("open");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await ended(run)).toMatchObject({
    text: texts.join(""),
    reason: "error",
    error: { code: "provider-timeout" },
  });
  expect(aborted).toBe(true);
});

test("a stop ends at once, aborts the provider, and late deltas never appear", async () => {
  let aborted = false;
  const runner = startRunner(async function* (signal) {
    yield { type: "text", text: "seen" };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    aborted = true;
    yield* say(["late"]);
  });
  const run = await ask(runner);
  await vi.waitFor(async () => expect(foldRun(await entriesOf(run)).text).toBe("seen"));
  const [first, second] = await Promise.all([runner.stop(run), runner.stop(run)]);
  expect(first).toMatchObject({ reason: "cancelled" });
  expect(second.reason).toBe("cancelled");
  await vi.waitFor(() => expect(aborted).toBe(true));
  expect(await ended(run)).toMatchObject({ text: "seen", reason: "cancelled" });
  expect((await entriesOf(run)).filter(({ data }) => data.includes("message-end"))).toHaveLength(1);
});

test("another process stops a run by an append, and its owner learns it from its next one", async () => {
  const go = gate();
  let aborted = false;
  const runner = startRunner(async function* (signal) {
    signal.addEventListener("abort", () => {
      aborted = true;
    });
    yield { type: "text", text: "seen" };
    await go.opened;
    yield* say(words(50));
  });
  const run = await ask(runner);
  await vi.waitFor(async () => expect(foldRun(await entriesOf(run)).text).toBe("seen"));
  const other = createRunner(log, createModelRegistry([]));
  expect(await other.stop(run)).toMatchObject({ reason: "cancelled" });
  go.open();
  await vi.waitFor(() => expect(aborted).toBe(true));
  expect(await ended(run)).toMatchObject({ text: "seen", reason: "cancelled" });
});

test("ends what a dead process left open, and a late write of it is refused", async () => {
  const runner = startRunner(() => say(["unused"]));
  const id = "dead";
  const start = { data: JSON.stringify({ type: "message-start", message: id, run: id, model: "m", at: 1 }) };
  await log.append(runStream(id), [start], { create: { kind: "chat" }, writer: { id, epoch: 1, seq: 0 } });
  expect(await runner.recover()).toBe(1);
  expect(await ended(id)).toMatchObject({ reason: "interrupted" });
  const late = await log.append(runStream(id), [{ data: "{}" }], { writer: { id, epoch: 1, seq: 1 } });
  expect(late).toEqual({ status: "ended" });
  expect(await runner.recover()).toBe(0);
  await expect(runner.stop("never")).rejects.toMatchObject({ code: "run-unknown" });
});

test("close ends open runs as interrupted, with all that was written, and starts no more", async () => {
  const runner = startRunner(async function* (signal) {
    yield { type: "text", text: "seen" };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  const run = await ask(runner);
  await vi.waitFor(async () => expect(foldRun(await entriesOf(run)).text).toBe("seen"));
  await runner.close();
  expect(foldRun(await entriesOf(run))).toMatchObject({
    status: "ended",
    text: "seen",
    reason: "interrupted",
  });
  await expect(ask(runner)).rejects.toMatchObject({ code: "draining" });
});

test("refuses one run too many", async () => {
  const runner = startRunner(
    async function* (signal) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      yield* say([]);
    },
    { maxRuns: 1 },
  );
  await ask(runner);
  await expect(ask(runner)).rejects.toMatchObject({ code: "too-many-runs" });
  await runner.close();
});

test("a start whose answer is lost goes on, under its key too; one that the log never answers is not left open", async () => {
  let lost = 0;
  const runner = startRunner(() => say(words(3)), {
    over: (inner) => ({
      ...inner,
      append: async (...call) => {
        const outcome = await inner.append(...call);
        if (call[2]?.writer?.seq === 0 && lost-- > 0) throw new StreamError("log-unavailable", "away");
        return outcome;
      },
    }),
  });
  for (const key of [{}, { key: { id: "k", digest: "d" } }]) {
    lost = 1;
    const started = await runner.start({ messages: [{ role: "user", text: "Why?" }], ...key });
    expect(started.status).toBe("started");
    expect(await ended(started.run)).toMatchObject({ reason: "stop", text: words(3).join("") });
  }

  lost = 2;
  await expect(ask(runner)).rejects.toMatchObject({ code: "log-unavailable" });
  await vi.waitFor(async () => expect(await log.openWriters()).toEqual([]));
});

test("a run whose last words the log has lost ends as interrupted", async () => {
  const hold = gate();
  const runner = startRunner(
    async function* () {
      yield { type: "text", text: "one" };
      await hold.opened;
      yield* say(["two"]);
    },
    {
      over: (inner) => ({
        ...inner,
        append: async (...call) =>
          (call[2]?.writer?.seq ?? 0) > 1
            ? ({ status: "sequence-gap", expected: 1 } as const)
            : inner.append(...call),
      }),
    },
  );
  const run = await ask(runner);
  await vi.waitFor(async () => expect(await entriesOf(run)).toHaveLength(2));
  hold.open();
  expect(await ended(run)).toMatchObject({ reason: "interrupted", text: "one" });
});

test("a stop on another node is heard at once, though the model says nothing", async () => {
  const bus = createBus();
  let isAborted = false;
  const owner = startRunner(
    async function* (signal) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      isAborted = true;
      yield* say([]);
    },
    { bus },
  );
  const run = await ask(owner);
  const other = createRunner(log, createModelRegistry([]), { bus });
  expect(await other.stop(run)).toMatchObject({ reason: "cancelled" });
  await vi.waitFor(() => expect(isAborted).toBe(true));
  await vi.waitFor(() => expect(owner.openRuns).toBe(0));
});
