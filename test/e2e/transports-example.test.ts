import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serve } from "../../examples/transports/server.ts";
import { launchBrowser } from "../support/browser.ts";
import { overflowOf } from "../support/live-page.ts";

const LANES = ["sse", "websocket", "polling"];

let browser: Browser;
let server: Awaited<ReturnType<typeof serve>>;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
  server = await serve(0);
  page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  await page.goto(server.url);
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

const figure = async (lane: string, name: string) => {
  const text = await page.locator(`#${lane} [data-figure="${name}"]`).textContent();
  return Number.parseFloat(text ?? "");
};
const words = (lane: string) => page.locator(`#${lane} .word`).count();

test("the three lanes show the same feed, and polling is later and asks more often", async () => {
  for (const lane of LANES) await expect.poll(() => words(lane)).toBeGreaterThan(20);
  for (const lane of LANES) expect(await figure(lane, "down")).toBeGreaterThan(0);
  expect(await figure("sse", "requests")).toBe(1);
  expect(await figure("websocket", "requests")).toBe(1);
  expect(await figure("polling", "requests")).toBeGreaterThan(1);
  expect(await figure("polling", "delay")).toBeGreaterThan(100);
  expect(await figure("sse", "delay")).toBeLessThan(await figure("polling", "delay"));
});

test("when all wires are cut, the WebSocket lane loses words and says how many; SSE and polling lose none", async () => {
  // They are back after three seconds: what a lane says in between is written down.
  await page.evaluate((lanes) => {
    const cut = new Set<string>();
    for (const lane of lanes) {
      const element = document.querySelector(`#${lane}`);
      if (element === null) throw new Error(`there is no lane ${lane}`);
      new MutationObserver(() => {
        if (element.getAttribute("data-state") === "cut") cut.add(lane);
      }).observe(element, { attributes: true });
    }
    Object.assign(globalThis, { cut });
  }, LANES);
  await page.getByRole("button", { name: "Cut all wires" }).click();
  await page.getByRole("status").filter({ hasText: "All are back. SSE lost nothing, WebSocket" }).waitFor();
  expect(await page.evaluate("[...cut].toSorted()")).toEqual(LANES.toSorted());
  expect(await figure("websocket", "lost")).toBeGreaterThan(10);
  expect(await figure("sse", "lost")).toBe(0);
  expect(await figure("polling", "lost")).toBe(0);
  expect(await page.locator("#websocket .gap").textContent()).toMatch(/^\d+ words lost$/);
  expect(await figure("sse", "requests")).toBeGreaterThan(1);
});

test("a narrow page needs no scrolling sideways", async () => {
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await overflowOf(page)).toBe(0);
});
