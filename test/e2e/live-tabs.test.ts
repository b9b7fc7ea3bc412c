import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { launchBrowser } from "../support/browser.ts";
import { bundle } from "../support/bundle.ts";

/** Shorter than the 5 s after which a person is gone, so that the way to the browsers has its time: how long it is, is shown in
 *  test/hub/presence.test.ts. */
const GRACE_MS = 3_500;

let app: TestServer;
let url: string;
let browser: Browser;
let code: string;

beforeAll(async () => {
  [app, browser] = await Promise.all([startApp({ presence: { graceMs: GRACE_MS } }), launchBrowser()]);
  url = await app.server.listen(0);
  code = `${await bundle("client/index.ts")}\n${await bundle("client/live.ts", "millraceLive")}`;
});
afterAll(async () => {
  await browser.close();
  await app[Symbol.asyncDispose]();
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
  await page.goto(`${url}/healthz`);
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
  await new Promise((resolve) => setTimeout(resolve, GRACE_MS + 1_000));
  expect([await count(second), await count(other)]).toEqual([2, 2]);
  const closedAt = Date.now();
  await ada.close();
  await expect.poll(() => count(other), { interval: 50 }).toBe(1);
  expect(Date.now() - closedAt).toBeLessThanOrEqual(5_000);
  await bob.close();
});
