import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { launchBrowser } from "../support/browser.ts";
import { openTab, prepareTabs } from "../support/tab.ts";
import type { Tab } from "../support/tab.ts";

/** From the wish to the last reader and the provider. */
const STOP_MS = 300;
/** A machine that stands still for a moment is asked again: what is slow is so three times. */
const AT_REST = { retry: 2 };
const RATE_MS = 20;
/** For what comes before that which is measured. */
const BEGUN = { interval: 20 };

let browser: Browser;
let app: TestServer;
let contexts: BrowserContext[];
let tabs: [Tab, Tab, Tab];
/** When each token was written, and the text up to it. */
let written: { at: number; length: number }[];
let abortedAt: number | undefined;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

beforeEach(async () => {
  written = [];
  abortedAt = undefined;
  app = await startApp();
  const url = await app.server.listen(0);
  const { chat } = await app.server.chats.create("local", {});
  contexts = await Promise.all([1, 2, 3].map(() => browser.newContext()));
  const opened = await Promise.all(
    contexts.map(async (context) => {
      await prepareTabs(context, chat);
      return openTab(context, url);
    }),
  );
  tabs = opened as [Tab, Tab, Tab];
});

afterEach(async () => {
  await Promise.all(contexts.map((context) => context.close()));
  await app[Symbol.asyncDispose]();
});

/** An answer of so many tokens after a silence, 50 a second. */
function answers(tokens: number, delayMs = 0): void {
  app.told.answer = async function* (_request, signal) {
    signal.addEventListener("abort", () => (abortedAt ??= Date.now()));
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    const pause = (ms: number) => Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), aborted]);
    await pause(delayMs);
    let length = 0;
    for (let index = 0; index < tokens && !signal.aborted; index++) {
      const text = `wörd${index} `;
      length += text.length;
      written.push({ at: Date.now(), length });
      yield { type: "text", text };
      await pause(RATE_MS);
    }
    yield { type: "finish", reason: "stop" };
  };
}

async function untilEnded(): Promise<string[]> {
  await expect.poll(async () => (await app.server.log.openWriters()).length, { interval: 20 }).toBe(0);
  const ends = tabs.map((tab) =>
    expect.poll(() => tab.page.evaluate("store.getSnapshot().isAnswering"), { interval: 10 }).toBe(false),
  );
  await Promise.all(ends);
  return Promise.all(tabs.map((tab) => tab.answer()));
}

test("each token is in all three, and a message sent in one appears in the others", async () => {
  answers(150);
  await tabs[0].send("from the first");
  const [first, second, third] = await untilEnded();
  expect(first).toHaveLength(written.at(-1)?.length ?? 0);
  expect([second, third]).toEqual([first, first]);
  for (const tab of tabs) expect(await tab.texts()).toEqual(["from the first", first]);
  const delays = await Promise.all(
    tabs.map(async (tab) => {
      const trace = await tab.trace();
      return written.map(
        ({ at, length }) => (trace.find((seen) => seen.length >= length)?.at ?? Infinity) - at,
      );
    }),
  );
  const sorted = delays.flat().toSorted((a, b) => a - b);
  const p95 = sorted[Math.floor(sorted.length * 0.95)];
  console.log(`from token to page: p50 ${sorted[sorted.length >> 1]} ms, p95 ${p95} ms`);
  expect(p95).toBeLessThan(Infinity);
});

test.each([
  ["before the first token", 60_000],
  ["after it", 0],
])("stop in one stops all and the provider within 300 ms, %s", AT_REST, async (when, delayMs) => {
  answers(2_000, delayMs);
  await tabs[0].send("go");
  for (const tab of tabs) {
    if (when === "after it")
      await expect.poll(async () => (await tab.answer()).length, BEGUN).toBeGreaterThan(100);
    else await expect.poll(async () => (await tab.texts()).length, BEGUN).toBe(2);
  }
  // Each says by itself when it has seen the end.
  const seen = Promise.all(
    tabs.map((tab) =>
      tab.page.evaluate(`new Promise((resolve) => {
        const look = () => { if (!store.getSnapshot().isAnswering) resolve(Date.now()); };
        store.subscribe(look);
        look();
      })`),
    ),
  ) as Promise<number[]>;
  const since = Date.now();
  expect(await tabs[1].stop()).toBe(true);
  const last = Math.max(...(await seen), abortedAt ?? Infinity);
  console.log(`stopped everywhere after ${last - since} ms`);
  expect(last - since).toBeLessThan(STOP_MS);
  const [first, second, third] = await untilEnded();
  expect([second, third]).toEqual([first, first]);
  expect(first === "").toBe(when === "before the first token");
  const { state } = await app.server.chats.read("local", (await chatOf(tabs[0])) ?? "");
  expect(state.messages.at(-1)).toMatchObject({ text: first, end: { reason: "cancelled" } });
});

function chatOf(tab: Tab): Promise<string> {
  return tab.page.evaluate("store.getSnapshot().chat");
}
