import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import type { CuttingProxy } from "../support/cutting-proxy.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

const FILES = {
  "news.html": "examples/htmx.html",
  "htmx.min.js": "node_modules/htmx.org/dist/htmx.min.js",
  "sse.min.js": "node_modules/htmx-ext-sse/dist/sse.min.js",
};
const STREAM = "/v1/streams/news";

let browser: Browser;
let server: ServerProcess;
let proxy: CuttingProxy;
let page: Page;
/** Requests for the stream. */
let asked: string[];

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  server = await startServerProcess({ args: ["--log", "memory"] });
  proxy = await startCuttingProxy({ target: Number(new URL(server.url).port) });
  page = await browser.newPage();
  asked = [];
  page.on("request", (request) => {
    if (request.url().includes(STREAM)) asked.push(request.url());
  });
});
afterEach(async () => {
  await page.close();
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function open(change: (page: string) => string = (page) => page): Promise<void> {
  for (const [name, path] of Object.entries(FILES)) {
    const text = await readFile(new URL(`../../${path}`, import.meta.url), "utf8");
    const [contentType, body] = name.endsWith(".html")
      ? ["text/html", change(text)]
      : ["text/javascript", text];
    await page.route(`**/${name}`, (route) => route.fulfill({ contentType, body }));
  }
  await page.goto(`http://127.0.0.1:${proxy.port}/news.html`);
}

async function append(events: object, query = ""): Promise<void> {
  const response = await fetch(`${server.url}${STREAM}${query}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  expect(response.status).toBe(201);
}

const news = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ title: `<b>n${from + at}</b>` }));
const titles = (to: number) => news(1, to).map(({ title }) => title);
const shown = () => page.locator("li").allTextContents();

/** Lets the next request for the stream be refused, as by a proxy whose server is away, and cuts the one that is open. */
async function refuseOnce(): Promise<void> {
  let isRefused = false;
  await page.route(`**${STREAM}*`, async (route) => {
    if (isRefused) return route.continue();
    isRefused = true;
    return route.fulfill({ status: 502 });
  });
  proxy.cutAll();
  await expect.poll(() => isRefused).toBe(true);
}

test("htmx shows each event once and in order, as text, through cuts and a refusal", async () => {
  await append(news(1, 3));
  await open();
  await expect.poll(shown).toEqual(titles(3));
  await append(news(4, 5));
  await expect.poll(shown).toEqual(titles(5));
  proxy.cutAll();
  await append(news(6, 8));
  await expect.poll(shown).toEqual(titles(8));
  await refuseOnce();
  await append(news(9, 9));
  await expect.poll(shown).toEqual(titles(9));
  expect(await page.locator("li b").count()).toBe(0);
  expect(asked.at(-1)).toContain("last_event_id=");
});

test("with the extension's own EventSource a refusal shows everything again", async () => {
  await append(news(1, 3));
  await open((page) => page.replace("htmx.createEventSource =", "const unused ="));
  await expect.poll(shown).toEqual(titles(3));
  await refuseOnce();
  await expect.poll(shown).toEqual([...titles(3), ...titles(3)]);
});

test("the end of the stream closes the connection, and nothing asks again", async () => {
  await append(news(1, 2));
  await open();
  await expect.poll(shown).toEqual(titles(2));
  await append(news(3, 3), "?close=true");
  await expect.poll(shown).toEqual(titles(3));
  const before = asked.length;
  await page.waitForTimeout(3_000);
  expect(asked).toHaveLength(before);
  expect(await shown()).toEqual(titles(3));
});
