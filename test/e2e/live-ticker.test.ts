import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { openLivePage, overflowOf } from "../support/live-page.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

const SYMBOLS = 500;
const UPDATES = 20_000;
const STREAM = "/v1/streams/demo/ticker";

let browser: Browser;
let server: ServerProcess;
beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), startServerProcess({ args: ["--log", "memory"] })]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

async function send(method: string, path: string, body: unknown): Promise<void> {
  const response = await fetch(server.url + path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
}

const key = (symbol: number) => `S${String(symbol).padStart(3, "0")}`;

/** What stands on the board: each symbol with its price. */
function readBoard(page: Page): Promise<Record<string, string>> {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll(".tick")].map((cell) => [
        cell.querySelector(".tick-name")?.textContent ?? "",
        cell.querySelector(".tick-price")?.textContent ?? "",
      ]),
    ),
  );
}

test("20,000 updates faster than the screen: two boards end with the same last price of each of 500 symbols", async () => {
  await send("PUT", STREAM, { kind: "state" });
  // Tall enough that every row can be seen: rows out of sight are written when they come into view.
  const size = { viewport: { width: 1200, height: 6_000 } };
  const boards = await Promise.all(
    [1, 2].map(() => openLivePage(browser, `${server.url}/live/ticker`, size)),
  );
  await boards[0]?.page.locator(".nothing").waitFor();
  const last = new Map<string, string>();
  for (let from = 0; from < UPDATES; from += 1_000) {
    const events = Array.from({ length: 1_000 }, (_, at) => {
      const n = from + at;
      const event = { type: "price", key: key((n * 137) % SYMBOLS), price: 100 + (n % 97) / 4, day: "" };
      last.set(event.key, event.price.toFixed(2));
      return event;
    });
    await send("POST", STREAM, events);
  }
  const expected = Object.fromEntries(last);
  expect(Object.keys(expected)).toHaveLength(SYMBOLS);
  for (const { page, errors, foreign } of boards) {
    await expect.poll(() => readBoard(page)).toEqual(expected);
    expect({ errors, foreign }).toEqual({ errors: [], foreign: [] });
    await page.context().close();
  }
});

test("rows that come into view show what they are at, and their lines are drawn", async () => {
  const { page, errors } = await openLivePage(browser, `${server.url}/live/ticker`);
  // Before that the board is built anew, and another row is the last one.
  await expect.poll(() => page.locator(".tick").count()).toBe(SYMBOLS);
  const final = page.locator(".tick").last();
  await final.scrollIntoViewIfNeeded();
  await expect.poll(() => final.locator(".tick-price").innerText()).toMatch(/^\d+\.\d\d$/);
  // A canvas holds memory only where it can be seen.
  const heights = () =>
    page
      .locator(".tick-block canvas")
      .evaluateAll((all) => all.map((one) => (one as HTMLCanvasElement).height));
  await expect.poll(async () => (await heights()).at(-1)).toBeGreaterThan(0);
  await expect.poll(async () => (await heights())[0]).toBe(0);
  expect(errors).toEqual([]);
  await page.context().close();
});

test.each([320, 390])("nothing is scrolled sideways at %i px", async (width) => {
  const { page } = await openLivePage(browser, `${server.url}/live/ticker`, {
    viewport: { width, height: 700 },
  });
  await page.locator(".tick").first().waitFor();
  expect(await overflowOf(page)).toBeLessThanOrEqual(0);
  await page.context().close();
});

test("the demo replays recorded prices at the chosen speed, and what the page holds does not grow", async () => {
  await using demo = await startServerProcess({ hasDemo: true, args: ["--log", "memory"] });
  const { page, errors } = await openLivePage(browser, `${demo.url}/live/ticker`);
  await expect.poll(() => page.locator(".tick").count()).toBe(SYMBOLS);
  await page.getByLabel("2,000/s").check();
  const second = await openLivePage(browser, `${demo.url}/live/ticker`);
  await expect.poll(() => second.page.getByLabel("2,000/s").isChecked()).toBe(true);
  await second.page.context().close();
  const figures = () => page.locator(".live-figures").innerText();
  const updates = async () => Number(/([\d,]+) updates/.exec(await figures())?.[1]?.replace(",", "") ?? 0);
  await expect.poll(updates).toBeGreaterThan(1_500);

  const cdp = await page.context().newCDPSession(page);
  const heap = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    return usedSize / 2 ** 20;
  };
  const watch = (ms: number) =>
    page.evaluate(async (ms) => {
      const gaps: number[] = [];
      const begun = performance.now();
      for (let last = begun; last - begun < ms;) {
        const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
        gaps.push(now - last);
        last = now;
      }
      return { frames: gaps.length, longest: Math.max(...gaps.slice(1)) };
    }, ms);
  const before = await heap();
  const { frames, longest } = await watch(6_000);
  const after = await heap();
  console.log(
    `ticker: ${await figures()}; ${frames} frames in 6 s, longest gap ${longest.toFixed(1)} ms; heap ${before.toFixed(1)} → ${after.toFixed(1)} MB`,
  );
  expect(after - before).toBeLessThan(10);
  expect(frames).toBeGreaterThan(60);
  expect(errors).toEqual([]);
  await page.context().close();
});
