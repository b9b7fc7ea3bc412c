import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { commandKeyId, createChats } from "../../src/chat/chats.ts";
import type { Chats } from "../../src/chat/chats.ts";
import { createModelRegistry } from "../../src/chat/models.ts";
import { createRunner } from "../../src/chat/runner.ts";
import { createScriptProvider } from "../../src/chat/script.ts";
import type { Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { StreamError } from "../../src/protocol/error.ts";
import { chatStream, parseStreamName } from "../../src/protocol/names.ts";

let log: Log;
let chats: Chats;

function start(on = log): Chats {
  const runner = createRunner(on, createModelRegistry([createScriptProvider()]));
  return createChats(on, runner);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  log = createMemoryLog();
  chats = start();
});

afterEach(async () => {
  chats.close();
  await log.close();
  vi.useRealTimers();
});

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof StreamError ? error.code : undefined;
}

test("another person's chat does not exist", async () => {
  const { chat } = await chats.create("ada", {});
  expect((await chats.read("ada", chat)).state.owner).toBe("ada");
  for (const ask of [
    chats.read("bob", chat),
    chats.update("bob", chat, { title: "mine" }),
    chats.delete("bob", chat),
    chats.restore("bob", chat),
    chats.send("bob", chat, { text: "x" }),
    chats.stop("bob", chat),
  ]) {
    expect(await codeOf(ask)).toBe("chat-unknown");
  }
  expect(await chats.search("bob", "x")).toEqual([]);
});

test("a deleted chat is gone after 30 seconds, and not before", async () => {
  const { chat } = await chats.create("ada", {});
  await chats.delete("ada", chat);
  await vi.advanceTimersByTimeAsync(29_000);
  expect((await chats.read("ada", chat)).state.deletedAt).toBeTypeOf("number");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await codeOf(chats.read("ada", chat))).toBe("chat-unknown");
  expect(await log.info(chatStream(chat))).toBeUndefined();
});

test("what is gone for good is not kept in memory either", async () => {
  const { chat } = await chats.create("ada", {});
  await chats.delete("ada", chat);
  await vi.advanceTimersByTimeAsync(31_000);
  const read = vi.spyOn(log, "read");
  expect(await codeOf(chats.read("ada", chat))).toBe("chat-unknown");
  // Nothing is known that it could go on after.
  expect(read.mock.calls.map(([stream, after]) => [stream, after])).toEqual([[chatStream(chat), 0]]);
});

test("one that was restored stays", async () => {
  const { chat } = await chats.create("ada", {});
  await chats.delete("ada", chat);
  await chats.restore("ada", chat);
  await vi.advanceTimersByTimeAsync(60_000);
  expect((await chats.read("ada", chat)).state).not.toHaveProperty("deletedAt");
});

test("a deletion that a former process began is brought to its end", async () => {
  const { chat } = await chats.create("ada", {});
  await chats.delete("ada", chat);
  chats.close();
  await vi.advanceTimersByTimeAsync(10_000);
  chats = start();
  await chats.recover();
  await vi.advanceTimersByTimeAsync(19_000);
  expect((await chats.read("ada", chat)).state.deletedAt).toBeTypeOf("number");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await codeOf(chats.read("ada", chat))).toBe("chat-unknown");
});

test("what a dead process left open ends as interrupted, in the chat and in the list", async () => {
  const { chat } = await chats.create("ada", {});
  const before = await chats.send("ada", chat, { text: "tokens=5 rate=1" });
  // Another runner knows nothing of it, as after a restart.
  chats = start();
  expect(await chats.recover()).toBe(1);
  const { state } = await chats.read("ada", chat);
  expect(state.run).toBeUndefined();
  expect(state.messages[1]).toMatchObject({ id: before.message, end: { reason: "interrupted" } });
  const page = await log.read(parseStreamName("people/ada/chats"), 0);
  const entries = page.status === "page" ? page.entries : [];
  expect(JSON.parse(entries.at(-1)?.data ?? "")).toMatchObject({ key: chat, reason: "interrupted" });
  expect(await chats.recover()).toBe(0);
});

test("two continuations at once: one goes on, the other is told what runs", async () => {
  const { chat } = await chats.create("ada", {});
  await chats.send("ada", chat, { text: "tokens=5 rate=1" });
  await chats.stop("ada", chat);
  const codes = await Promise.all([1, 2].map(() => codeOf(chats.continue("ada", chat, {}))));
  expect(codes.filter((code) => code !== undefined)).toEqual(["run-active"]);
});

test("a chat takes 10,000 messages and says when it is full", async () => {
  const { chat, stream } = await chats.create("ada", {});
  for (let batch = 0; batch < 10; batch++) {
    const events = Array.from({ length: 1_000 }, (_, index) => {
      const message = `m${batch * 1_000 + index}`;
      return { data: JSON.stringify({ type: "user-message", message, text: "x", author: "ada", at: 1 }) };
    });
    await log.append(stream, events);
  }
  expect((await chats.read("ada", chat)).state.messages).toHaveLength(10_000);
  expect(await codeOf(chats.send("ada", chat, { text: "x" }))).toBe("chat-full");
});

test.each(["before", "after"])("a stop that comes just %s its start is committed stops it", async (when) => {
  const { chat } = await chats.create("ada", {});
  let stop: Promise<unknown> | undefined;
  const between: Log = {
    ...log,
    async append(stream, events, options) {
      // The start has looked for a stop, and found none.
      const isStart = options?.isSole === true;
      if (isStart && when === "before") await (stop = chats.stop("ada", chat, "k1"));
      const outcome = await log.append(stream, events, options);
      if (isStart && when === "after") stop = chats.stop("ada", chat, "k1");
      return outcome;
    },
  };
  const claim = { id: commandKeyId("ada", chat, "messages", "k1"), digest: "d" };
  await start(between).send("ada", chat, { text: "tokens=5 rate=1" }, { claim, text: "k1" });
  await stop;
  const { state } = await chats.read("ada", chat);
  expect(state.run).toBeUndefined();
  expect(state.messages[1]).toMatchObject({ end: { reason: "cancelled" } });
});
