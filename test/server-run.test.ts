import { expect, test } from "vitest";
import type { ChatEvent, MessageEnd } from "../src/protocol/event.ts";
import type { Generation } from "../src/server.ts";
import { gate, startApp } from "./support/app.ts";
import type { TestServer } from "./support/app.ts";

async function* words(...texts: string[]): Generation {
  for (const text of texts) yield await Promise.resolve(text);
}

async function* thoughtful(): Generation {
  yield { type: "reasoning", text: "Hm." };
  yield "Yes";
  yield await Promise.resolve({
    type: "finish" as const,
    reason: "length" as const,
    usage: { outputTokens: 2 },
  });
}

async function* broken(): Generation {
  yield "Half ";
  yield await Promise.reject(new Error("the password is 1234"));
}

async function eventsOf(app: TestServer, stream: string): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  for await (const { event } of app.server.read<ChatEvent>(stream)) events.push(event);
  return events;
}

test("a generation of texts is a run, which can be read, also long after", async () => {
  await using app = await startApp();
  const run = await app.server.run(words("Hel", "", "lo"), { prompt: "Say hello", model: "mine" });
  await run.ended;
  const events = await eventsOf(app, run.stream);
  // The deltas of an ended run come merged.
  expect(events.map(({ type }) => type)).toEqual(["message-start", "text-delta", "message-end"]);
  expect(events[0]).toMatchObject({ model: "mine", prompt: "Say hello" });
  expect(events.at(-1)).toMatchObject({ reason: "stop" });
  expect(await (await app.ask(`/v1/runs/${run.run}`)).json()).toMatchObject({ text: "Hello" });
});

test("reasoning, usage and the reason of the end pass through", async () => {
  await using app = await startApp();
  const run = await app.server.run(thoughtful());
  await run.ended;
  const events = await eventsOf(app, run.stream);
  expect(events.map(({ type }) => type)).toContain("reasoning-delta");
  expect(events.at(-1)).toMatchObject({ reason: "length", usage: { outputTokens: 2 } });
});

test("what the source throws ends the run with an error, and its text stays on the server", async () => {
  await using app = await startApp();
  const run = await app.server.run(broken());
  await run.ended;
  const end = (await eventsOf(app, run.stream)).at(-1) as MessageEnd;
  expect(end).toMatchObject({ reason: "error", error: { code: "provider-failed" } });
  expect(JSON.stringify(end)).not.toContain("1234");
});

test("a stop over HTTP aborts the signal of the source", async () => {
  await using app = await startApp();
  let isAborted = false;
  const { opened, open } = gate();
  const run = await app.server.run(async function* ({ signal }) {
    yield "One ";
    signal.addEventListener("abort", () => {
      isAborted = true;
      open();
    });
    await opened;
  });
  await expect.poll(async () => (await eventsOf(app, run.stream)).length).toBe(2);
  const stopped = await app.send("POST", `/v1/runs/${run.run}/stop`, {});
  expect(await stopped.json()).toMatchObject({ reason: "cancelled" });
  expect(isAborted).toBe(true);
  await run.ended;
});

test("the same key is the same run, and its source is left alone", async () => {
  await using app = await startApp();
  let asked = 0;
  const source = () => {
    asked += 1;
    return words("Once");
  };
  const first = await app.server.run(source, { key: "job-1" });
  await first.ended;
  const second = await app.server.run(source, { key: "job-1" });
  expect(second).toMatchObject({ status: "joined", run: first.run });
  expect(asked).toBe(1);
  await expect(app.server.run(source, { key: "job-1", prompt: "other" })).rejects.toMatchObject({
    code: "key-reused",
  });
});

test("in a chat it answers the prompt, is handed what was said, and one answer is written at a time", async () => {
  await using app = await startApp();
  const { chat } = await app.server.chats.create("local", {});
  await app.server.run(words("Because of Rayleigh scattering."), { chat, prompt: "Why is the sky blue?" });
  const answers = async () => (await app.server.chats.read("local", chat)).state;
  await expect.poll(async () => (await answers()).run).toBe(undefined);
  const { opened, open } = gate();
  let said: readonly { text: string }[] = [];
  const open2 = await app.server.run(
    async function* ({ messages }) {
      said = messages;
      await opened;
      yield "And the sunset red.";
    },
    { chat, prompt: "And at night?", model: "mine" },
  );
  expect(open2.stream).toBe(`chats/${chat}`);
  await expect(app.server.run(words("no"), { chat, prompt: "Me too" })).rejects.toMatchObject({
    code: "run-active",
  });
  open();
  await expect
    .poll(async () => (await answers()).messages.at(-1))
    .toMatchObject({
      text: "And the sunset red.",
      model: "mine",
    });
  expect(said.map(({ text }) => text)).toEqual([
    "Why is the sky blue?",
    "Because of Rayleigh scattering.",
    "And at night?",
  ]);
});

test("refuses a chat that is not there or another person's, and an answer to nothing", async () => {
  await using app = await startApp();
  const { chat } = await app.server.chats.create("ann", {});
  const ask = (options: object) => app.server.run(words("no"), options);
  await expect(ask({ chat, prompt: "Hi" })).rejects.toMatchObject({ code: "chat-unknown" });
  await expect(ask({ chat: "a/b%20", prompt: "Hi" })).rejects.toMatchObject({ code: "chat-unknown" });
  await expect(ask({ chat, owner: "ann" })).rejects.toMatchObject({ code: "invalid-request" });
  await expect(ask({ prompt: "x".repeat(200_001) })).rejects.toMatchObject({ code: "prompt-too-large" });
});
