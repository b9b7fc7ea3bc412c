import { createRequire } from "node:module";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOOKS, bundleChat, openChat, sendText, shownStatus, shownTexts } from "../support/ai-sdk-page.ts";
import { startUiFace } from "../support/ai-sdk-face.ts";
import type { TestUiFace } from "../support/ai-sdk-face.ts";
import { launchBrowser } from "../support/browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test.each(HOOKS)("what is called $package here is of version $version, with an ai of version $ai", (hook) => {
  const home = createRequire(import.meta.url);
  const from = createRequire(home.resolve(`${hook.package}/package.json`));
  const versionOf = (path: string) => (from(path) as { version: string }).version;
  expect(versionOf("./package.json")).toMatch(new RegExp(`^${hook.version}\\.`));
  expect(versionOf("ai/package.json")).toMatch(new RegExp(`^${hook.ai}\\.`));
});

describe.each(HOOKS)("useChat of @ai-sdk/react $version with its own transport", ({ package: hook }) => {
  let face: TestUiFace;
  let url: string;
  let script: string;
  beforeAll(async () => {
    [face, script] = await Promise.all([startUiFace(), bundleChat("ai-sdk-chat.tsx", hook)]);
    url = await face.server.listen(0);
  });
  afterAll(() => face[Symbol.asyncDispose]());

  async function openPage(context: BrowserContext, id: string): Promise<Page> {
    const resumed = context.waitForEvent("response", (response) => response.url().endsWith("/stream"));
    const page = await openChat(context, { url, script, id });
    // For the hook all else is a failure, also where the chat is new.
    expect([200, 204]).toContain((await resumed).status());
    await page.locator('main[data-status="ready"],main[data-status="streaming"]').waitFor();
    return page;
  }

  /** How the last answer of a chat ended. */
  async function lastReason(id: string): Promise<string | undefined> {
    const { id: chat } = (await (await face.ask(`/api/chat/${encodeURIComponent(id)}`)).json()) as {
      id: string;
    };
    const { state } = await face.server.chats.read("local", chat);
    const last = state.messages.at(-1);
    return last?.role === "assistant" ? last.end?.reason : undefined;
  }

  test("it sends, streams, resumes after a reload, in a second tab, stops and goes on", async () => {
    const context = await browser.newContext();
    const page = await openPage(context, "a/b%c");
    let go = face.answerSlowly();
    await sendText(page, "Why?");
    await expect.poll(() => shownTexts(page)).toEqual(["Why?", "Hello"]);
    expect(await shownStatus(page)).toBe("streaming");

    // A reload in the middle, and a second tab: both show what there is, and then what comes.
    await page.reload();
    const second = await openPage(context, "a/b%c");
    for (const one of [page, second]) await expect.poll(() => shownTexts(one)).toEqual(["Why?", "Hello"]);
    go.open();
    for (const one of [page, second]) {
      await expect.poll(() => shownTexts(one)).toEqual(["Why?", "Hello again"]);
      await expect.poll(() => shownStatus(one)).toBe("ready");
    }
    expect(face.told.calls).toHaveLength(1);

    // A stop in one tab ends what both see.
    go = face.answerSlowly();
    await sendText(page, "And?");
    await expect.poll(() => shownTexts(page)).toEqual(["Why?", "Hello again", "And?", "Hello"]);
    await second.reload();
    await expect.poll(() => shownTexts(second)).toEqual(["Why?", "Hello again", "And?", "Hello"]);
    await second.getByRole("button", { name: "Stop" }).click();
    for (const one of [page, second]) await expect.poll(() => shownStatus(one)).toBe("ready");
    expect(await lastReason("a/b%c")).toBe("cancelled");
    go.open();

    // Another answer in its place.
    await page.getByRole("button", { name: "Again" }).click();
    await expect.poll(() => shownTexts(page)).toEqual(["Why?", "Hello again", "And?", "Hello again"]);
    await page.reload();
    await expect.poll(() => shownTexts(page)).toEqual(["Why?", "Hello again", "And?", "Hello again"]);

    // The hook's own stop leaves an answer. Who writes on then gets another one.
    go = face.answerSlowly();
    await sendText(page, "One more");
    await expect.poll(async () => (await shownTexts(page)).at(-1)).toBe("Hello");
    await page.getByRole("button", { name: "Leave" }).click();
    await expect.poll(() => shownStatus(page)).toBe("ready");
    go.open();
    await sendText(page, "Now");
    await expect.poll(async () => (await shownTexts(page)).slice(-2)).toEqual(["Now", "Hello again"]);
    await context.close();
  });

  test("it shows why a message was refused", async () => {
    const context = await browser.newContext();
    const page = await openPage(context, "refused");
    await sendText(page, " ");
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("says nothing");
    expect(await shownStatus(page)).toBe("error");
    await context.close();
  });
});
