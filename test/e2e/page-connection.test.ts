import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import type { CuttingProxy } from "../support/cutting-proxy.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

let browser: Browser;
let server: ServerProcess;
let proxy: CuttingProxy;
let page: Page;
beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), startServerProcess()]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  proxy = await startCuttingProxy({ target: Number(new URL(server.url).port) });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${proxy.port}/`);
  await page.locator("#model select").selectOption("script");
  await expect.poll(link).toBe("open");
});
afterEach(async () => {
  await page.close();
  await proxy[Symbol.asyncDispose]();
});

function link(): Promise<string | null> {
  return page.locator("#link").getAttribute("data-link");
}

function status(): Promise<string> {
  return page.locator("#status").innerText();
}

/** Writes down what the status says from now on, and how long after the connection has gone it says so, in milliseconds. */
async function recordStatus(): Promise<() => Promise<{ text: string; afterMs: number }[]>> {
  await page.evaluate(() => {
    const line = document.getElementById("status");
    const dot = document.getElementById("link");
    if (line === null || dot === null) throw new Error("they are on the page");
    const said: { text: string; afterMs: number }[] = [];
    let goneAt = Infinity;
    new MutationObserver(() => {
      if (dot.getAttribute("data-link") === "reconnecting") goneAt = Math.min(goneAt, performance.now());
    }).observe(dot, { attributes: true });
    new MutationObserver(() =>
      said.push({ text: line.textContent, afterMs: performance.now() - goneAt }),
    ).observe(line, { childList: true, characterData: true, subtree: true });
    Object.assign(globalThis, { said });
  });
  return () => page.evaluate("said");
}

function cut(): void {
  proxy.setRefusing(true);
  proxy.cutAll();
}

test("a long cut is told, and each time how much came late; a short one is shown by the dot alone", async () => {
  await page.fill("#prompt", "tokens=4000 rate=40 seed=8");
  await page.keyboard.press("Enter");
  await expect.poll(status).toBe("Answering. Esc stops.");

  for (let round = 0; round < 2; round += 1) {
    cut();
    await expect.poll(status).toBe("Reconnecting. The answer keeps being written.");
    await expect.poll(() => page.locator("article.answer").getAttribute("data-state")).toBe("cut");
    proxy.setRefusing(false);
    await expect.poll(status, { interval: 20 }).toMatch(/^Back: \d[\d,]* tokens caught up\.$/);
    await expect.poll(status).toBe("Answering. Esc stops.");
  }

  const said = await recordStatus();
  cut();
  await expect.poll(link).toBe("reconnecting");
  proxy.setRefusing(false);
  await expect.poll(link).toBe("open");
  // A cut whose mending took longer than two seconds has been told by right; the page counts from when the
  // connection broke, which is before the dot changes.
  expect((await said()).filter(({ afterMs }) => !(afterMs > 1_000))).toEqual([]);
  await page.keyboard.press("Escape");
  await expect.poll(() => page.locator(".ending").innerText()).toBe("Stopped. The text so far is kept.");
});

test("a first question, asked while the server is away, stays in the box until it is sent, once", async () => {
  cut();
  await page.fill("#prompt", "tokens=3 rate=0 seed=9");
  await page.keyboard.press("Enter");
  await expect.poll(status).toBe("Reconnecting. What you send waits, and is sent once.");
  expect(await page.inputValue("#prompt")).toBe("tokens=3 rate=0 seed=9");
  proxy.setRefusing(false);
  await expect.poll(() => new URL(page.url()).pathname).toMatch(/^\/c\/[a-z0-9]+$/);
  await expect.poll(() => page.inputValue("#prompt")).toBe("");
  await expect
    .poll(() => page.locator('article[data-role="assistant"]').getAttribute("data-state"))
    .toBe("ended");
  expect(await page.locator('article[data-role="user"]').count()).toBe(1);
});

test("a part of the page whose code cannot be fetched takes nothing else away, and comes when it can be", async () => {
  const code = /\/bell-[^/]*\.js$/;
  let refused = 0;
  const second = await browser.newPage();
  await second.route(code, (route) => {
    refused += 1;
    return route.abort();
  });
  await second.goto(`http://127.0.0.1:${proxy.port}/`);
  await expect.poll(() => refused).toBeGreaterThan(1);
  expect(await second.locator("#prompt").count()).toBe(1);
  await second.unroute(code);
  await second.getByRole("button", { name: "Notifications" }).waitFor();
  await second.close();
});

test("what was refused stays with its reason, and is sent again or forgotten", async () => {
  await page.fill("#prompt", "tokens=3 rate=0 seed=10");
  await page.keyboard.press("Enter");
  await expect.poll(status).toMatch(/^Answer complete/);
  const message = "An answer is being written in this chat. Stop it, or wait until it is done.";
  await page.route("**/messages", (route) =>
    route.fulfill({ status: 409, json: { error: { code: "run-active", message, retryable: false } } }),
  );
  await page.fill("#prompt", "tokens=4 rate=0 seed=11");
  await page.keyboard.press("Enter");
  const failed = page.locator(".failed");
  await expect.poll(() => failed.locator("p").innerText()).toBe(`Not sent: ${message}`);
  await page.unroute("**/messages");
  await failed.getByRole("button", { name: "Send again" }).click();
  await expect.poll(() => page.locator('article[data-state="ended"]').count()).toBe(2);
  await expect.poll(() => failed.count()).toBe(0);

  await page.route("**/messages", (route) =>
    route.fulfill({ status: 409, json: { error: { code: "run-active", message, retryable: false } } }),
  );
  await page.fill("#prompt", "never mind");
  await page.keyboard.press("Enter");
  await failed.getByRole("button", { name: "Discard" }).click();
  await expect.poll(() => page.locator('article[data-role="user"]').count()).toBe(2);
});
