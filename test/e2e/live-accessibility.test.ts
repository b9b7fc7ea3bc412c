import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { openLivePage } from "../support/live-page.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

let browser: Browser;
let server: ServerProcess;
let axe: string;
beforeAll(async () => {
  const path = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  [browser, server, axe] = await Promise.all([
    launchBrowser(),
    startServerProcess({ hasDemo: true, args: ["--log", "memory"] }),
    readFile(path, "utf8"),
  ]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

/** Each page, and what stands on it once it is filled. */
const PAGES = [
  ["/live", "h1"],
  ["/live/scoreboard", ".match"],
  ["/live/scoreboard/keep", ".begin"],
  ["/live/ticker", ".tick-price"],
  ["/live/operations", ".figure"],
] as const;

const SCHEMES: [name: string, options: BrowserContextOptions][] = [
  ["light", { colorScheme: "light" }],
  ["dark and narrow", { colorScheme: "dark", viewport: { width: 390, height: 780 } }],
];

test.each(SCHEMES)("axe finds nothing wrong in the live pages, %s", async (_, options) => {
  const { page, errors } = await openLivePage(browser, `${server.url}/live`, options);
  const found: string[] = [];
  for (const [path, filled] of PAGES) {
    await page.goto(server.url + path);
    await page.locator(filled).first().waitFor();
    // Evaluated by the browser, not loaded by the page: its policy stays as it is.
    await page.evaluate(axe);
    const results = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as AxeResults;
    found.push(
      ...results.violations.map(({ id, help, nodes }) => `${path} ${id}: ${help} (${nodes[0]?.html ?? ""})`),
    );
  }
  expect({ found, errors }).toEqual({ found: [], errors: [] });
  await page.context().close();
});

test("whoever wants less motion sees a change marked, and nothing move", async () => {
  const { page } = await openLivePage(browser, `${server.url}/live/scoreboard`, { reducedMotion: "reduce" });
  await page.locator(".match").first().waitFor();
  await page.evaluate(() => {
    const score = document.querySelector(".match-score");
    score?.setAttribute("data-changed", "");
  });
  const style = await page.locator(".match-score[data-changed]").evaluate((score) => ({
    animation: getComputedStyle(score).animationName,
    mark: getComputedStyle(score).boxShadow,
  }));
  expect(style.animation).toBe("none");
  expect(style.mark).toContain("inset");
  await page.context().close();
});
