import { afterEach, beforeEach, expect, test } from "vitest";
import { createChats } from "../../src/chat/chats.ts";
import type { Chats } from "../../src/chat/chats.ts";
import { createModelRegistry } from "../../src/chat/models.ts";
import type { GenerateRequest, Provider } from "../../src/chat/provider.ts";
import { createRunner } from "../../src/chat/runner.ts";
import { shortenTitle, tidyTitle, titleOf } from "../../src/chat/title-text.ts";
import type { Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { StreamError } from "../../src/protocol/error.ts";
import { chatListStream } from "../../src/protocol/names.ts";
import { gate } from "../support/app.ts";

const QUESTION = "Please explain to me how a river can run uphill, if it can at all";
const FIRST_WORDS = "Please explain to me how a river can run uphill, if it can…";

let log: Log;
let chats: Chats;
/** What was asked for titles. */
let asked: GenerateRequest[];
let title: (signal: AbortSignal) => Promise<string>;

/** Answers, and writes titles where it is told that it is about one. */
const provider: Provider = {
  name: "told",
  writesTitles: true,
  models: () => Promise.resolve([{ id: "told", origin: "test" }]),
  async *generate(request, signal) {
    const isTitle = request.messages[0]?.text.includes("title") === true;
    if (isTitle) asked.push(request);
    yield { type: "text", text: isTitle ? await title(signal) : "It cannot." };
    yield { type: "finish", reason: "stop" };
  },
};

function start(providers: readonly Provider[] = [provider], isAsking = true): void {
  const models = createModelRegistry(providers);
  chats = createChats(log, createRunner(log, models), { titleModels: isAsking ? models : undefined });
}

beforeEach(() => {
  log = createMemoryLog();
  asked = [];
  title = () => Promise.resolve('**Title: "Rivers that run uphill."**');
  start();
});

afterEach(async () => {
  chats.close();
  await log.close();
});

async function titleNow(chat: string): Promise<string | undefined> {
  return (await chats.read("ada", chat)).state.title;
}

async function untilAnswered(chat: string): Promise<void> {
  await expect.poll(async () => (await chats.read("ada", chat)).state.messages.at(-1)).toHaveProperty("end");
}

test("a chat has its first words at once, and after its first answer the title that the model gives", async () => {
  const waiting = gate();
  title = () => waiting.opened.then(() => "Rivers that run uphill");
  const { chat } = await chats.create("ada", {});
  await chats.send("ada", chat, { text: QUESTION });
  await untilAnswered(chat);
  await expect.poll(() => asked).toHaveLength(1);
  expect(await titleNow(chat)).toBe(FIRST_WORDS);
  waiting.open();
  await expect.poll(() => titleNow(chat)).toBe("Rivers that run uphill");
  expect(asked[0]).toMatchObject({ model: "told", maxTokens: 60 });
  expect(asked[0]?.messages[1]?.text).toBe(`Question:\n${QUESTION}\n\nAnswer:\nIt cannot.`);

  await chats.send("ada", chat, { text: "And downhill?" });
  await untilAnswered(chat);
  expect(asked).toHaveLength(1);
});

test("the list of chats tells of the new title", async () => {
  const { chat } = await chats.create("ada", {});
  await chats.send("ada", chat, { text: QUESTION });
  await expect.poll(async () => (await chats.search("ada", "rivers"))[0]).toMatchObject({ chat });
  await expect
    .poll(async () => {
      const page = await log.read(chatListStream("ada"), 0);
      return page.status === "page" ? page.entries.at(-1)?.data : undefined;
    })
    .toContain("Rivers that run uphill");
});

test("a title that a person gives while the model is asked stays", async () => {
  const waiting = gate();
  title = () => waiting.opened.then(() => "Rivers");
  const { chat } = await chats.create("ada", {});
  await chats.send("ada", chat, { text: QUESTION });
  await expect.poll(() => asked).toHaveLength(1);
  // The same words: what counts is who gave them.
  await chats.update("ada", chat, { title: FIRST_WORDS });
  waiting.open();
  await untilAnswered(chat);
  await new Promise((resolve) => setTimeout(resolve));
  expect(await titleNow(chat)).toBe(FIRST_WORDS);
  await chats.update("ada", chat, { title: "Mine" });
  expect(await titleNow(chat)).toBe("Mine");
});

test("one that it was made with is never replaced, and no model is asked", async () => {
  const { chat } = await chats.create("ada", { title: "Mine" });
  await chats.send("ada", chat, { text: QUESTION });
  await untilAnswered(chat);
  await new Promise((resolve) => setTimeout(resolve));
  expect({ title: await titleNow(chat), asked }).toEqual({ title: "Mine", asked: [] });
});

test("whoever goes on before the title has come lets the model go, and the first words stay", async () => {
  let isAborted = false;
  title = (signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        isAborted = true;
        reject(new Error("let go"));
      });
    });
  const { chat } = await chats.create("ada", {});
  await chats.send("ada", chat, { text: QUESTION });
  await expect.poll(() => asked).toHaveLength(1);
  await chats.send("ada", chat, { text: "And downhill?" });
  expect(isAborted).toBe(true);
  await untilAnswered(chat);
  expect(await titleNow(chat)).toBe(FIRST_WORDS);
});

test.each([
  { name: "refuses", answer: () => Promise.reject(new StreamError("provider-refused", "no")) },
  { name: "says nothing of use", answer: () => Promise.resolve("<think>Let me") },
])("a model that $name leaves the first words", async ({ answer }) => {
  title = answer;
  const { chat } = await chats.create("ada", {});
  await chats.send("ada", chat, { text: QUESTION });
  await expect.poll(() => asked).toHaveLength(1);
  await untilAnswered(chat);
  expect(await titleNow(chat)).toBe(FIRST_WORDS);
});

test.each([
  { name: "is told not to", providers: [provider], isAsking: false },
  {
    name: "has only models that write none",
    providers: [{ ...provider, writesTitles: false }],
    isAsking: true,
  },
])("no model is asked by a server that $name", async ({ providers, isAsking }) => {
  start(providers, isAsking);
  const { chat } = await chats.create("ada", {});
  await chats.send("ada", chat, { text: QUESTION });
  await untilAnswered(chat);
  await new Promise((resolve) => setTimeout(resolve));
  expect({ title: await titleNow(chat), asked }).toEqual({ title: FIRST_WORDS, asked: [] });
});

test("an answer's heading names a chat whose question is long or says little", () => {
  expect(shortenTitle(QUESTION, "## Rivers and *hills*\n\nThey…")).toBe("Rivers and hills");
  expect(shortenTitle("Hi", "# Hello there\n")).toBe("Hello there");
  expect(shortenTitle("How do rivers run?", "# Rivers\n")).toBeUndefined();
  expect(shortenTitle(QUESTION, "They do not.\n\n# Rivers")).toBeUndefined();
});

test("what models put around a title is taken off", () => {
  expect(tidyTitle('  "Rivers."\n\nIt is short.')).toBe("Rivers");
  expect(tidyTitle("<think>\nThe user…\n</think>\n\n# Title: Rivers")).toBe("Rivers");
  expect(tidyTitle("«Реки»")).toBe("Реки");
  expect(tidyTitle(' "" ')).toBeUndefined();
  expect(titleOf("a".repeat(80))).toHaveLength(61);
  expect(titleOf("one\r\ntwo")).toBe("one");
});
