import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { bundle } from "../support/bundle.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

let server: ServerProcess;
let browser: Browser;
let code: string;

beforeAll(async () => {
  server = await startServerProcess();
  browser = await launchBrowser();
  code = `${await bundle("client/index.ts")}\n${await bundle("client/live.ts", "millraceLive")}`;
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

/** A browser of its own: what is stored in one is not in another. */
async function openBrowser(): Promise<BrowserContext> {
  const context = await browser.newContext();
  await context.addInitScript({
    content: `${code}
      if (location.protocol.startsWith("http")) {
        window.client = millrace.createClient();
        window.typing = millraceLive.liveOf(client).signals("desk", "typing");
        window.here = millraceLive.liveOf(client).presence("desk");
        typing.subscribe(() => {});
        here.subscribe(() => {});
      }`,
  });
  return context;
}

async function openTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${server.url}/healthz`);
  return page;
}

const typists = (page: Page) => page.evaluate("typing.getSnapshot().map(({ data }) => data.name).join()");
const count = (page: Page) => page.evaluate("here.getSnapshot().count");

test("in real browsers tabs see each other type, people are counted once, and a closed browser is gone in 5 s", async () => {
  const ada = await openBrowser();
  const bob = await openBrowser();
  const tabs = [await openTab(ada), await openTab(ada), await openTab(bob)] as const;
  const [first, second, other] = tabs;
  for (const tab of tabs)
    await expect.poll(() => tab.evaluate("client.connection.getSnapshot().status")).toBe("open");

  await first.evaluate('typing.send({ name: "Ada" })');
  for (const tab of [second, other]) await expect.poll(() => typists(tab)).toBe("Ada");
  expect(await typists(first)).toBe("");
  await first.evaluate("typing.stop()");
  for (const tab of [second, other]) await expect.poll(() => typists(tab)).toBe("");

  for (const tab of tabs) await tab.evaluate("void here.attend()");
  for (const tab of tabs) await expect.poll(() => count(tab)).toBe(2);
  // The tab that leads goes; the browser is still here.
  await first.close();
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  expect([await count(second), await count(other)]).toEqual([2, 2]);
  const closedAt = Date.now();
  await ada.close();
  await expect.poll(() => count(other), { interval: 50 }).toBe(1);
  expect(Date.now() - closedAt).toBeLessThanOrEqual(5_000);
  await bob.close();
});
