import { spawn } from "node:child_process";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { openLivePage, overflowOf } from "../support/live-page.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

let browser: Browser;
let server: ServerProcess;
beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), startServerProcess({ args: ["--log", "memory"] })]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

const open = () => openLivePage(browser, `${server.url}/live/operations`);

function figure(page: Page, name: string): Promise<string> {
  const tile = page.locator(".figure", { has: page.getByRole("heading", { name, exact: true }) });
  return tile.locator(".figure-value").innerText();
}

test("two windows show the same readers, and what is appended and asked is counted", async () => {
  const [one, two] = await Promise.all([open(), open()]);
  for (const { page } of [one, two]) await expect.poll(() => figure(page, "Readers")).toBe("2");
  await expect.poll(() => figure(one.page, "Behind")).toBe("0");
  await expect.poll(() => figure(one.page, "Memory")).toMatch(/^\d+(\.\d)? MB$/);

  // In pieces, so that they fall into one second or two.
  const events = Array.from({ length: 1_000 }, (_, n) => ({ n }));
  await one.page.request.post(`${server.url}/v1/streams/news`, { data: events });
  const most = one.page.locator(".figure", { hasText: "given to the log" }).locator(".figure-head code");
  await expect.poll(async () => Number((await most.innerText()).replace(/\D/g, ""))).toBeGreaterThan(500);

  const started = await one.page.request.post(`${server.url}/v1/runs`, {
    data: { prompt: "tokens=20000 rate=100", model: "script" },
  });
  const { run } = (await started.json()) as { run: string };
  const runs = () => Promise.all([one, two].map(({ page }) => figure(page, "Runs")));
  await expect.poll(runs).toEqual(["1", "1"]);
  for (const { page } of [one, two]) await expect.poll(() => figure(page, "First token")).toMatch(/^\d+ ms$/);
  await one.page.request.post(`${server.url}/v1/runs/${run}/stop`, { data: {} });
  await expect.poll(runs).toEqual(["0", "0"]);
  await two.page.context().close();
  await expect.poll(() => figure(one.page, "Readers")).toBe("1");
  for (const { errors, foreign } of [one, two])
    expect({ errors, foreign }).toEqual({ errors: [], foreign: [] });
  await one.page.context().close();
});

test("the page's command reads the same figures", async () => {
  const { page } = await open();
  const command = await page.locator(".publish code").innerText();
  const child = spawn("sh", ["-c", `exec ${command}`], { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (said += piece));
  await expect.poll(() => said).toContain('data: {"type":"figures"');
  child.kill();
  await page.context().close();
});

test("a cut is shown on the wire, and what was missed is caught up", async () => {
  await using proxy = await startCuttingProxy({ target: Number(new URL(server.url).port) });
  const { page } = await openLivePage(browser, `http://127.0.0.1:${proxy.port}/live/operations`);
  const wire = page.locator(".live-wire-state");
  await expect.poll(() => wire.innerText()).toBe("Live");
  await page.locator(".figure").first().waitFor();
  proxy.setRefusing(true);
  proxy.cutAll();
  await expect.poll(() => wire.innerText()).toBe("Reconnecting");
  // Two seconds' figures are missed.
  const head = async () =>
    (await fetch(`${server.url}/v1/streams/sys/server?after=now`)).json() as Promise<{ head: string }>;
  const offset = async () => Number((await head()).head.split(".")[1]);
  const before = await offset();
  await expect.poll(offset).toBeGreaterThan(before + 1);
  proxy.setRefusing(false);
  await expect.poll(() => wire.innerText()).toMatch(/^Back: \d+ caught up at \d\d:\d\d:\d\d$/);
  await expect.poll(() => wire.innerText()).toBe("Live");
  await page.context().close();
});

test.each([320, 390])("nothing is scrolled sideways at %i px", async (width) => {
  const { page } = await openLivePage(browser, `${server.url}/live/operations`, {
    viewport: { width, height: 700 },
  });
  await page.locator(".figure").first().waitFor();
  expect(await overflowOf(page)).toBeLessThanOrEqual(0);
  await page.context().close();
});
