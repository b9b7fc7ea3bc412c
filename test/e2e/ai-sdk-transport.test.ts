import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HOOKS, bundleChat, openChat, sendText, shownStatus, shownTexts } from "../support/ai-sdk-page.ts";
import { startUiFace } from "../support/ai-sdk-face.ts";
import type { TestUiFace } from "../support/ai-sdk-face.ts";
import { launchBrowser } from "../support/browser.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import type { CuttingProxy } from "../support/cutting-proxy.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

async function shows(pages: Page[], texts: string[], status: string): Promise<void> {
  for (const page of pages) {
    await expect.poll(() => shownTexts(page)).toEqual(texts);
    await expect.poll(() => shownStatus(page)).toBe(status);
  }
}

describe.each(HOOKS)("useChat of @ai-sdk/react $version with our transport", ({ version, package: hook }) => {
  let script: string;
  let face: TestUiFace;
  let context: BrowserContext;
  /** Between the pages and the server. */
  let proxy: CuttingProxy;
  beforeAll(async () => {
    script = await bundleChat("ai-sdk-transport.tsx", hook);
  });
  beforeEach(async () => {
    face = await startUiFace();
    const { port } = new URL(await face.server.listen(0));
    [context, proxy] = await Promise.all([browser.newContext(), startCuttingProxy({ target: Number(port) })]);
  });
  afterEach(async () => {
    await context.close();
    await proxy[Symbol.asyncDispose]();
    await face[Symbol.asyncDispose]();
  });

  const open = (shown = script) =>
    openChat(context, { url: `http://127.0.0.1:${proxy.port}`, script: shown, id: "a/b%c" });

  test("an answer is shown as it comes, whole after a reload in the middle, and live in a tab that is opened then", async () => {
    const page = await open();
    const go = face.answerSlowly();
    await sendText(page, "Why?");
    await shows([page], ["Why?", "Hello"], "streaming");
    await page.reload();
    const second = await open();
    await shows([page, second], ["Why?", "Hello"], "streaming");
    go.open();
    await shows([page, second], ["Why?", "Hello again"], "ready");
    await page.reload();
    await shows([page], ["Why?", "Hello again"], "ready");
    expect(face.told.calls).toHaveLength(1);
  });

  test("an answer goes on by itself after a cut, also where it ended meanwhile, and is asked for once", async () => {
    const page = await open();
    let go = face.answerSlowly();
    await sendText(page, "Why?");
    await shows([page], ["Why?", "Hello"], "streaming");
    proxy.cutAll();
    expect(proxy.cuts).toBeGreaterThan(0);
    go.open();
    await shows([page], ["Why?", "Hello again"], "ready");

    go = face.answerSlowly();
    await sendText(page, "And?");
    await shows([page], ["Why?", "Hello again", "And?", "Hello"], "streaming");
    proxy.setRefusing(true);
    proxy.cutAll();
    go.open();
    await expect.poll(() => proxy.refusals).toBeGreaterThan(0);
    expect(await shownStatus(page)).toBe("streaming");
    proxy.setRefusing(false);
    await shows([page], ["Why?", "Hello again", "And?", "Hello again"], "ready");
    expect(face.told.calls).toHaveLength(2);
  });

  test("the hook's stop ends what the model says, for each tab, also after a reload", async () => {
    const page = await open();
    face.answerSlowly();
    await sendText(page, "Why?");
    await shows([page], ["Why?", "Hello"], "streaming");
    const second = await open();
    await shows([second], ["Why?", "Hello"], "streaming");
    await page.getByRole("button", { name: "Stop" }).click();
    await shows([page, second], ["Why?", "Hello"], "ready");
    await expect.poll(() => face.told.aborts).toBe(1);

    const go = face.answerSlowly();
    await page.getByRole("button", { name: "Again" }).click();
    await shows([page, second], ["Why?", "Hello"], "streaming");
    await second.reload();
    await shows([second], ["Why?", "Hello"], "streaming");
    await second.getByRole("button", { name: "Stop" }).click();
    await shows([page, second], ["Why?", "Hello"], "ready");
    await expect.poll(() => face.told.aborts).toBe(2);
    go.open();
    await page.reload();
    await shows([page], ["Why?", "Hello"], "ready");
  });

  test("a tab that does nothing shows what is sent in another one, from a chat's first message on", async () => {
    const [page, second] = [await open(), await open()];
    let go = face.answerSlowly();
    await sendText(page, "Why?");
    await shows([page, second], ["Why?", "Hello"], "streaming");
    go.open();
    await shows([page, second], ["Why?", "Hello again"], "ready");
    // And the other way round, over a connection that was cut.
    proxy.cutAll();
    go = face.answerSlowly();
    await sendText(second, "And?");
    await shows([page, second], ["Why?", "Hello again", "And?", "Hello"], "streaming");
    go.open();
    await shows([page, second], ["Why?", "Hello again", "And?", "Hello again"], "ready");
    expect(face.told.calls).toHaveLength(2);
  });

  test("a tab that nobody sees holds no connection, and shows what was missed when it is seen", async () => {
    const [page, second] = [await open(), await open()];
    await expect.poll(() => face.server.readers).toBe(2);
    const turn = (state: string) =>
      second.evaluate(`
        Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      `);
    await turn("hidden");
    await expect.poll(() => face.server.readers).toBe(1);
    await sendText(page, "Why?");
    await shows([page], ["Why?", "Hello there"], "ready");
    expect(await shownTexts(second)).toEqual([]);
    await turn("visible");
    await shows([second], ["Why?", "Hello there"], "ready");
  });

  test("an answer goes on when the component that shows it goes", async () => {
    const [page, second] = [await open(), await open()];
    const go = face.answerSlowly();
    await sendText(page, "Why?");
    await shows([page, second], ["Why?", "Hello"], "streaming");
    // Both, so that also what was resumed is left.
    for (const one of [page, second]) await one.evaluate("hide()");
    // Version 3 reads on in a component that has gone.
    await expect.poll(() => face.server.readers).toBe(version === 3 ? 2 : 0);
    expect(face.told.aborts).toBe(0);
    go.open();
    await page.reload();
    await shows([page], ["Why?", "Hello again"], "ready");
    expect(face.told.calls).toHaveLength(1);
  });

  test("in React's StrictMode, which mounts each component twice, an answer is read, followed and stopped as otherwise", async () => {
    const strict = await bundleChat("ai-sdk-transport.tsx", hook, { isStrict: true });
    const [page, second] = [await open(strict), await open(strict)];
    let go = face.answerSlowly();
    await sendText(page, "Why?");
    await shows([page, second], ["Why?", "Hello"], "streaming");
    await second.reload();
    await shows([second], ["Why?", "Hello"], "streaming");
    expect(face.told.aborts).toBe(0);
    go.open();
    await shows([page, second], ["Why?", "Hello again"], "ready");
    // One connection each, though it was asked for twice.
    await expect.poll(() => face.server.readers).toBe(2);
    const { aborts } = face.told; // an answer's signal is aborted at its end, too
    go = face.answerSlowly();
    await sendText(second, "And?");
    await shows([page, second], ["Why?", "Hello again", "And?", "Hello"], "streaming");
    await page.getByRole("button", { name: "Stop" }).click();
    await shows([page, second], ["Why?", "Hello again", "And?", "Hello"], "ready");
    await expect.poll(() => face.told.aborts).toBe(aborts + 1);
    go.open();
    expect(face.told.calls).toHaveLength(2);
  });

  test("what is refused is shown in the server's words", async () => {
    const page = await open();
    await sendText(page, " ");
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("says nothing");
    expect(await shownStatus(page)).toBe("error");
  });
});
