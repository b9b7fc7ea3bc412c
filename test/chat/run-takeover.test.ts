import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createChats } from "../../src/chat/chats.ts";
import { createModelRegistry } from "../../src/chat/models.ts";
import type { GenerateRequest, Provider, ProviderEvent } from "../../src/chat/provider.ts";
import { createRunner } from "../../src/chat/runner.ts";
import type { Runner, RunnerOptions } from "../../src/chat/runner.ts";
import type { AppendOptions, Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { StreamError } from "../../src/protocol/error.ts";
import { chatStream, runStream } from "../../src/protocol/names.ts";
import type { StreamName } from "../../src/protocol/names.ts";
import { foldRun } from "../../src/protocol/run.ts";
import { gate } from "../support/app.ts";

let log: Log;
/** What each provider was asked, in the order of the calls. */
let asked: GenerateRequest[];
const runners: Runner[] = [];
beforeEach(() => {
  log = createMemoryLog();
  asked = [];
});
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.close()));
  await log.close();
});

type Answer = (signal: AbortSignal) => AsyncIterable<ProviderEvent>;

/** A process of its own, with a model that says this. All of them take each other for dead when they recover. */
function process(
  answer: Answer,
  { on = log, canContinue = true, ...options }: RunnerOptions & { on?: Log; canContinue?: boolean } = {},
): Runner {
  const provider: Provider = {
    name: "test",
    canContinue,
    models: () => Promise.resolve([{ id: "test", origin: "test" }]),
    generate(request, signal) {
      asked.push(request);
      return answer(signal);
    },
  };
  const runner = createRunner(on, createModelRegistry([provider]), { recovery: "continue", ...options });
  runners.push(runner);
  return runner;
}

const says = (...texts: string[]): Answer =>
  async function* () {
    for (const text of texts) yield { type: "text", text };
    yield { type: "finish", reason: "stop" };
  };

/** Says this and then nothing more, until it may go on. */
const hangsAfter = (text: string, more: Promise<void> = new Promise(() => {})): Answer =>
  async function* () {
    yield { type: "text", text };
    await more;
    yield { type: "text", text: "too late" };
  };

/** Starts a run on a process that then stands still with what it has said. */
async function leaveRun(answer: Answer = hangsAfter("Hello"), prompt = "Why?"): Promise<string> {
  const owner = process(answer);
  const { run } = await owner.start({ messages: [{ role: "user", text: prompt }], mayMove: true });
  await vi.waitFor(async () => expect((await stateOf(run)).text).not.toBe(""));
  return run;
}

async function eventsOf(stream: StreamName): Promise<Record<string, unknown>[]> {
  const page = await log.read(stream, 0);
  const entries = page.status === "page" ? page.entries : [];
  return entries.map(({ data }) => JSON.parse(data) as Record<string, unknown>);
}

async function stateOf(run: string) {
  const page = await log.read(runStream(run), 0);
  return foldRun(page.status === "page" ? page.entries : []);
}

function ended(run: string) {
  return vi.waitFor(async () => {
    const state = await stateOf(run);
    expect(state.status).toBe("ended");
    return state;
  });
}

const isClaim = (options?: AppendOptions) => options?.key?.id.startsWith("takeover ") === true;
const away = () => Promise.reject(new StreamError("log-unavailable", "The log is away."));

/** The append that takes a run over goes another way. */
function claimsBy(over: (claim: () => ReturnType<Log["append"]>) => ReturnType<Log["append"]>): Log {
  return {
    ...log,
    append: (...call) => (isClaim(call[2]) ? over(() => log.append(...call)) : log.append(...call)),
  };
}

test("another process goes on with a dead run where it stopped, and the hash is of the whole text", async () => {
  const run = await leaveRun();
  expect(await process(says(" world")).recover()).toBe(0);
  expect(await ended(run)).toMatchObject({
    reason: "stop",
    text: "Hello world",
    sha256: createHash("sha256").update("Hello world").digest("hex"),
  });
  expect(asked[1]).toMatchObject({ messages: [{ role: "user", text: "Why?" }], continues: "Hello" });
  const types = (await eventsOf(runStream(run))).map(({ type }) => type);
  expect(types).toEqual(["message-start", "text-delta", "message-continue", "text-delta", "message-end"]);
  expect((await log.info(runStream(run)))?.isClosed).toBe(true);
});

test("a provider that cannot continue is told the text so far, and to go on", async () => {
  const run = await leaveRun();
  await process(says(" world"), { canContinue: false }).recover();
  expect((await ended(run)).text).toBe("Hello world");
  expect(asked[1]).not.toHaveProperty("continues");
  expect(asked[1]?.messages).toEqual([
    { role: "user", text: "Why?" },
    { role: "assistant", text: "Hello" },
    { role: "user", text: expect.stringContaining("Go on exactly where it stopped") },
  ]);
});

test("of many that find the same dead run one goes on with it, and no word is there twice", async () => {
  const run = await leaveRun();
  const finders = Array.from({ length: 8 }, () => process(says(" world")));
  await Promise.all(finders.map((finder) => finder.recover()));
  expect((await ended(run)).text).toBe("Hello world");
  expect(asked).toHaveLength(2);
  const types = (await eventsOf(runStream(run))).map(({ type }) => type);
  expect(types.filter((type) => type === "message-continue")).toHaveLength(1);
});

test("an owner that was only away is refused from then on: not a word of its own comes after", async () => {
  const more = gate();
  const run = await leaveRun(hangsAfter("Hello", more.opened));
  const goOn = gate();
  const next = process(async function* () {
    await goOn.opened;
    yield* says(" world")(new AbortController().signal);
  });
  await next.recover();
  more.open();
  await vi.waitFor(() => expect(runners[0]?.openRuns).toBe(0));
  goOn.open();
  expect((await ended(run)).text).toBe("Hello world");
});

test("an owner that could not reach the log for too long does not end what another goes on with", async () => {
  let isAway = false;
  let looks = 0;
  const behind: Log = {
    ...log,
    append: (...call) => (isAway ? away() : log.append(...call)),
    openWriters() {
      looks += isAway ? 0 : 1;
      return isAway ? away() : log.openWriters();
    },
  };
  let time = Date.now();
  const more = gate();
  const owner = process(hangsAfter("Hello", more.opened), { on: behind, now: () => time });
  const { run } = await owner.start({ messages: [{ role: "user", text: "Why?" }], mayMove: true });
  await vi.waitFor(async () => expect((await stateOf(run)).text).toBe("Hello"));
  const goOn = gate();
  const next = process(async function* () {
    await goOn.opened;
    yield* says(" world")(new AbortController().signal);
  });
  await next.recover();
  isAway = true;
  more.open();
  await vi.waitFor(() => {
    time += 30_000;
    expect(owner.openRuns).toBe(0);
  });
  isAway = false;
  // It finds that another has it.
  await vi.waitFor(() => expect(looks).toBe(1));
  goOn.open();
  expect(await ended(run)).toMatchObject({ text: "Hello world", reason: "stop" });
});

test("a claim whose answer is lost is sent again, and is still one", async () => {
  const run = await leaveRun();
  let claims = 0;
  const on = claimsBy(async (claim) => {
    const outcome = await claim();
    claims += 1;
    if (claims === 1) throw new StreamError("log-unavailable", "The answer is lost.");
    return outcome;
  });
  await process(says(" world"), { on }).recover();
  expect((await ended(run)).text).toBe("Hello world");
  expect(claims).toBe(2);
});

test("a claim of which nothing is ever known again ends the run, so that nobody waits for it", async () => {
  const run = await leaveRun();
  const on = claimsBy(async (claim) => {
    await claim();
    throw new StreamError("log-unavailable", "The answer is lost.");
  });
  await expect(process(says(" world"), { on }).recover()).rejects.toMatchObject({ code: "log-unavailable" });
  expect(await ended(run)).toMatchObject({ text: "Hello", reason: "interrupted" });
});

test("a stop that comes before the takeover wins, and the model is not asked", async () => {
  const run = await leaveRun();
  const stopper = process(says());
  const on = claimsBy(async (claim) => {
    await stopper.stop(run);
    return claim();
  });
  await process(says(" world"), { on }).recover();
  expect(await ended(run)).toMatchObject({ text: "Hello", reason: "cancelled" });
  expect(asked).toHaveLength(1);
});

test("a stop between the takeover and its first word wins, too", async () => {
  const run = await leaveRun();
  const stopper = process(says());
  const on = claimsBy(async (claim) => {
    const outcome = await claim();
    await stopper.stop(run);
    return outcome;
  });
  const next = process(says(" world"), { on });
  await next.recover();
  expect(await ended(run)).toMatchObject({ text: "Hello", reason: "cancelled" });
  expect(asked).toHaveLength(1);
  expect(next.openRuns).toBe(0);
});

test("what kills each process that takes it is ended with the fourth", async () => {
  const run = await leaveRun();
  for (const text of [" one", " two", " three"]) {
    await process(hangsAfter(text)).recover();
    await vi.waitFor(async () => expect((await stateOf(run)).text).toContain(text));
  }
  expect(await process(says(" four")).recover()).toBe(1);
  expect(await ended(run)).toMatchObject({ text: "Hello one two three", reason: "interrupted" });
});

test.each<[string, () => Promise<string>, RunnerOptions]>([
  ["nothing else is said", () => leaveRun(), { recovery: "interrupted" }],
  ["not all of the prompt stands in the stream", () => leaveRun(undefined, "a".repeat(10_001)), {}],
  ["no more runs may be open", () => leaveRun(), { maxRuns: 0 }],
])("a dead run ends as interrupted where %s", async (_, leave, options) => {
  const run = await leave();
  expect(await process(says(" world"), options).recover()).toBe(1);
  expect(await ended(run)).toMatchObject({ text: "Hello", reason: "interrupted" });
});

test("a dead run ends as interrupted where its model is gone, or whoever asked for it does not outlive it", async () => {
  const run = await leaveRun();
  const other = createRunner(log, createModelRegistry([]), { recovery: "continue" });
  expect(await other.recover()).toBe(1);
  expect(await ended(run)).toMatchObject({ reason: "interrupted" });
  const bound = await process(hangsAfter("Hello")).start({ messages: [{ role: "user", text: "Why?" }] });
  await vi.waitFor(async () => expect((await stateOf(bound.run)).text).toBe("Hello"));
  expect(await process(says(" world")).recover()).toBe(1);
  expect(await ended(bound.run)).toMatchObject({ reason: "interrupted" });
});

test("a process that is stopping leaves dead runs to others", async () => {
  const run = await leaveRun();
  const stopping = process(says(" world"));
  await stopping.close();
  expect(await stopping.recover()).toBe(0);
  const types = (await eventsOf(runStream(run))).map(({ type }) => type);
  expect(types).toEqual(["message-start", "text-delta"]);
});

test("a process that stops leaves its runs to others, with all that it has said, and they go on", async () => {
  const run = await leaveRun();
  await runners[0]?.close();
  expect(await stateOf(run)).toMatchObject({ status: "open", text: "Hello" });
  await process(says(" world")).recover();
  expect(await ended(run)).toMatchObject({ reason: "stop", text: "Hello world" });
});

test.each<[string, RunnerOptions, boolean]>([
  ["nobody goes on", { recovery: "interrupted" }, true],
  ["nobody could go on", {}, false],
])("a process that stops ends its runs as interrupted where %s", async (_, options, mayMove) => {
  const owner = process(hangsAfter("Hello"), options);
  const { run } = await owner.start({ messages: [{ role: "user", text: "Why?" }], mayMove });
  await vi.waitFor(async () => expect((await stateOf(run)).text).toBe("Hello"));
  await owner.close();
  expect(await stateOf(run)).toMatchObject({ status: "ended", text: "Hello", reason: "interrupted" });
});

test("an answer that has called a tool is ended: what the tool did must not be done twice", async () => {
  const run = await leaveRun();
  const call = { type: "tool-input-start", message: run, call: "abcdefg00", tool: "pay" };
  await log.append(runStream(run), [{ data: JSON.stringify(call) }], {
    writer: { id: run, epoch: 1, seq: 2 },
  });
  expect(await process(says(" world")).recover()).toBe(1);
  expect(await ended(run)).toMatchObject({ text: "Hello", reason: "interrupted" });
  expect(asked).toHaveLength(1);
});

test("a tool that was called between the look and the takeover ends the answer, too", async () => {
  const run = await leaveRun();
  const call = { type: "tool-input-start", message: run, call: "abcdefg00", tool: "pay" };
  const on = claimsBy(async (claim) => {
    await log.append(runStream(run), [{ data: JSON.stringify(call) }], {
      writer: { id: run, epoch: 1, seq: 2 },
    });
    return claim();
  });
  await process(says(" world"), { on }).recover();
  expect(await ended(run)).toMatchObject({ text: "Hello", reason: "interrupted" });
  expect(asked).toHaveLength(1);
});

test("an answer in a chat goes on in place, told what the chat says, and the list follows", async () => {
  const owner = createChats(log, process(hangsAfter("Hello")));
  const { chat } = await owner.create("ada", { system: "Be short." });
  const { message } = await owner.send("ada", chat, { text: "Why?" });
  await vi.waitFor(async () =>
    expect((await owner.read("ada", chat)).state.messages[1]).toMatchObject({ text: "Hello" }),
  );
  const next = createChats(log, process(says(" world")));
  expect(await next.recover()).toBe(0);
  const state = await vi.waitFor(async () => {
    const read = await next.read("ada", chat);
    expect(read.state.run).toBeUndefined();
    return read.state;
  });
  expect(state.messages).toMatchObject([
    { text: "Why?" },
    { id: message, text: "Hello world", end: { reason: "stop" } },
  ]);
  expect(asked[1]).toMatchObject({
    messages: [
      { role: "system", text: "Be short." },
      { role: "user", text: "Why?" },
    ],
    continues: "Hello",
  });
  const types = (await eventsOf(chatStream(chat))).map(({ type }) => type);
  expect(types.filter((type) => type === "message-end")).toHaveLength(1);
  await vi.waitFor(async () => {
    const entries = await eventsOf("people/ada/chats" as StreamName);
    expect(entries.at(-1)).toMatchObject({ key: chat, reason: "stop" });
  });
  owner.close();
  next.close();
});
