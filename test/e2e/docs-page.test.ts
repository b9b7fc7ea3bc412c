import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

let browser: Browser;
let app: TestServer;
let url: string;
let axe: string;
beforeAll(async () => {
  [browser, app] = await Promise.all([launchBrowser(), startApp()]);
  url = await app.server.listen(0);
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});
afterAll(async () => {
  await browser.close();
  await app[Symbol.asyncDispose]();
});

const SCHEMES: [name: string, options: BrowserContextOptions][] = [
  ["light and wide", { colorScheme: "light", viewport: { width: 1280, height: 900 } }],
  ["dark and 320 pixels narrow", { colorScheme: "dark", viewport: { width: 320, height: 640 } }],
];

test.each(SCHEMES)("the interface's page can be read by everybody, %s", async (_, options) => {
  // axe is a script, which the page's policy keeps out; what the policy keeps out of the page itself is an error.
  const strict = await browser.newPage(options);
  const errors: string[] = [];
  strict.on("console", (message) => errors.push(message.text()));
  await strict.goto(`${url}/docs`);
  const sizes = await strict.evaluate(() => ({
    page: document.documentElement.scrollWidth,
    window: innerWidth,
    font: getComputedStyle(document.querySelector("h1") ?? document.body).fontSize,
  }));
  expect(sizes).toMatchObject({ page: sizes.window, font: "27px" });
  expect(errors).toEqual([]);

  const page = await browser.newPage({ ...options, bypassCSP: true });
  await page.goto(`${url}/docs`);
  await page.addScriptTag({ content: axe });
  const found = (await page.evaluate("axe.run()")) as AxeResults; // what axe answers
  expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  expect(found.passes.length).toBeGreaterThan(10);
});

test("a link in the list leads to its operation", async () => {
  const page = await browser.newPage();
  await page.goto(`${url}/docs`);
  await page.getByRole("link", { name: "Send a message" }).click();
  const target = page.locator("article:target");
  await expect.poll(() => target.locator("h3").textContent()).toBe("Send a message");
  await expect
    .poll(() => target.evaluate((element) => element.getBoundingClientRect().top))
    .toBeLessThan(100);
});
