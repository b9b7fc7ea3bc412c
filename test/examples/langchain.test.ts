import { ChatOpenAI } from "@langchain/openai";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, createChain } from "../../examples/langchain.ts";
import { gate } from "../support/app.ts";
import { startFace } from "../support/openai-face.ts";
import type { TestFace } from "../support/openai-face.ts";

let app: TestFace;
beforeEach(async () => {
  app = await startFace();
});
afterEach(() => app[Symbol.asyncDispose]());

test("a chain gets its answer, and the model its system and human messages", async () => {
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello there" };
    yield { type: "finish", reason: "stop", usage: { inputTokens: 3, outputTokens: 2 } };
  };
  const answer = await createChain({ url: app.url, model: "told" }).invoke({ question: "Why?" });
  expect(answer.text).toBe("Hello there");
  expect(answer.usage_metadata).toMatchObject({ input_tokens: 3, output_tokens: 2 });
  expect(app.told.calls[0]?.messages).toEqual([
    { role: "system", text: "Answer in one sentence." },
    { role: "user", text: "Why?" },
  ]);
});

test("a chain streams its answer word by word", async () => {
  const { opened, open } = gate();
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    await opened;
    yield { type: "text", text: " there" };
    yield { type: "finish", reason: "stop", usage: { inputTokens: 3, outputTokens: 2 } };
  };
  const words = ask("Why?", { url: app.url, model: "told" });
  expect((await words.next()).value).toBe("Hello");
  open();
  expect((await words.next()).value).toBe(" there");
  expect((await words.next()).done).toBe(true);
});

test("an abort ends the run", async () => {
  const { opened, open } = gate();
  app.told.answer = async function* () {
    yield { type: "text", text: "One" };
    await opened;
  };
  const abort = new AbortController();
  const words = ask("Why?", { url: app.url, model: "told", signal: abort.signal });
  expect((await words.next()).value).toBe("One");
  abort.abort();
  await expect(words.next()).rejects.toThrow(/abort/i);
  await expect.poll(() => app.told.aborts).toBe(1);
  open();
});

test("what is refused comes out as LangChain's own error", async () => {
  const asking = createChain({ url: app.url, model: "tolt" }).invoke({ question: "Why?" });
  await expect(asking).rejects.toMatchObject({ status: 404 });
});

test("a list of questions is asked at once", async () => {
  const model = new ChatOpenAI({ model: "told", apiKey: "any", configuration: { baseURL: `${app.url}/v1` } });
  const answers = await model.batch(["One", "Two", "Three"]);
  expect(answers.map(({ text }) => text)).toEqual(["Hello there", "Hello there", "Hello there"]);
});
