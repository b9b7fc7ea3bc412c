import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

let browser: Browser;
let server: ServerProcess;
beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), startServerProcess()]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

/** A page whose console has to stay quiet. */
async function open(): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(server.url);
  return { page, errors };
}

function readers(page: Page): Promise<string> {
  return page.locator("#text").innerText();
}

test("a question is answered as it is written, and links lead to the documentation", async () => {
  const { page, errors } = await open();
  await page.fill("#prompt", "What is SSE?");
  await page.keyboard.press("Enter");
  await expect.poll(() => readers(page), { timeout: 15_000 }).toContain("Server-Sent Events");
  await expect.poll(() => page.locator("#figures").innerText(), { timeout: 30_000 }).toContain("tokens");
  const link = page.locator("#text a").first();
  const response = await page.request.get(new URL((await link.getAttribute("href")) ?? "", server.url).href);
  expect(response.status()).toBe(200);
  expect(await response.text()).toContain('<link rel="stylesheet" href="/docs.css">');
  expect(errors).toEqual([]);
  await page.close();
});

test("a reload and a second tab show the same answer, and Stop stops it in both", async () => {
  const { page, errors } = await open();
  await page.fill("#prompt", "tokens=4000 rate=40 seed=5");
  await page.locator("#model select").selectOption("script");
  await page.locator("#prompt").press("Enter");
  await expect.poll(async () => (await readers(page)).length, { timeout: 15_000 }).toBeGreaterThan(60);
  const before = await readers(page);
  await page.reload();
  await expect.poll(() => readers(page), { timeout: 15_000 }).toContain(before.slice(0, 60));
  const second = await browser.newPage();
  await second.goto(page.url());
  await expect.poll(() => readers(second), { timeout: 15_000 }).toContain(before.slice(0, 60));
  await page.bringToFront();
  await page.keyboard.press("Escape");
  for (const tab of [page, second]) {
    await expect.poll(() => tab.locator("#status").innerText(), { timeout: 15_000 }).toMatch(/^Stopped/);
  }
  expect(await readers(second)).toBe(await readers(page));
  expect(errors).toEqual([]);
  await page.close();
  await second.close();
});
