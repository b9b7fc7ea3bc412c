import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startUiFace } from "../support/ai-sdk-face.ts";
import type { TestUiFace } from "../support/ai-sdk-face.ts";
import { launchBrowser } from "../support/browser.ts";
import { bundleExample } from "../support/bundle.ts";

let browser: Browser;
let face: TestUiFace;
let url: string;
let script: string;
beforeAll(async () => {
  [browser, face, script] = await Promise.all([
    launchBrowser(),
    startUiFace(),
    bundleExample("ai-sdk-chat.tsx", {}),
  ]);
  url = await face.server.listen(0);
});
afterAll(async () => {
  await browser.close();
  await face[Symbol.asyncDispose]();
});

/** The example in a page of the server's own origin; the chat's name stands in its address. */
async function openPage(context: BrowserContext, id: string): Promise<Page> {
  const page = await context.newPage();
  await page.route(`${url}/mine?*`, (route) =>
    route.fulfill({
      contentType: "text/html",
      body: '<!doctype html><div id="root"></div><script src="/mine.js"></script>',
    }),
  );
  const show = 'example.showChat(root, new URLSearchParams(location.search).get("id"));';
  await page.route(`${url}/mine.js`, (route) =>
    route.fulfill({ contentType: "text/javascript", body: `${script}\n${show}` }),
  );
  const resumed = page.waitForResponse((response) => response.url().endsWith("/stream"));
  await page.goto(`${url}/mine?id=${encodeURIComponent(id)}`);
  // For the hook all else is a failure, also where the chat is new.
  expect([200, 204]).toContain((await resumed).status());
  await page.locator('main[data-status="ready"],main[data-status="streaming"]').waitFor();
  return page;
}

async function send(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
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

const texts = (page: Page) => page.locator("main p").allTextContents();
const status = (page: Page) => page.locator("main").getAttribute("data-status");

test("useChat with its own transport sends, streams, resumes after a reload, in a second tab, stops and goes on", async () => {
  const context = await browser.newContext();
  const page = await openPage(context, "a/b%c");
  let go = face.answerSlowly();
  await send(page, "Why?");
  await expect.poll(() => texts(page)).toEqual(["Why?", "Hello"]);
  expect(await status(page)).toBe("streaming");

  // A reload in the middle, and a second tab: both show what there is, and then what comes.
  await page.reload();
  const second = await openPage(context, "a/b%c");
  for (const one of [page, second]) await expect.poll(() => texts(one)).toEqual(["Why?", "Hello"]);
  go.open();
  for (const one of [page, second]) {
    await expect.poll(() => texts(one)).toEqual(["Why?", "Hello again"]);
    await expect.poll(() => status(one)).toBe("ready");
  }
  expect(face.told.calls).toHaveLength(1);

  // A stop in one tab ends what both see.
  go = face.answerSlowly();
  await send(page, "And?");
  await expect.poll(() => texts(page)).toEqual(["Why?", "Hello again", "And?", "Hello"]);
  await second.reload();
  await expect.poll(() => texts(second)).toEqual(["Why?", "Hello again", "And?", "Hello"]);
  await second.getByRole("button", { name: "Stop" }).click();
  for (const one of [page, second]) await expect.poll(() => status(one)).toBe("ready");
  expect(await lastReason("a/b%c")).toBe("cancelled");
  go.open();

  // Another answer in its place.
  await page.getByRole("button", { name: "Again" }).click();
  await expect.poll(() => texts(page)).toEqual(["Why?", "Hello again", "And?", "Hello again"]);
  await page.reload();
  await expect.poll(() => texts(page)).toEqual(["Why?", "Hello again", "And?", "Hello again"]);

  // The hook's own stop leaves an answer. Who writes on then gets another one.
  go = face.answerSlowly();
  await send(page, "One more");
  await expect.poll(async () => (await texts(page)).at(-1)).toBe("Hello");
  await page.getByRole("button", { name: "Leave" }).click();
  await expect.poll(() => status(page)).toBe("ready");
  go.open();
  await send(page, "Now");
  await expect.poll(async () => (await texts(page)).slice(-2)).toEqual(["Now", "Hello again"]);
  await context.close();
});

test("useChat shows why a message was refused", async () => {
  const context = await browser.newContext();
  const page = await openPage(context, "refused");
  await send(page, " ");
  await expect.poll(() => page.getByRole("alert").textContent()).toContain("says nothing");
  expect(await status(page)).toBe("error");
  await context.close();
});
