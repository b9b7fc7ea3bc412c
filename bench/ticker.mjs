#!/usr/bin/env node
/** Whether a page stays light for as long as it is open: the ticker at 2,000 updates/s in Chromium, for 30 minutes or as many as
 *  are named. Ends with 1 if the page's heap has grown by 10 MB or more. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { startDemo } from "../dist/cli/demo/demo.js";
import { createServer } from "../dist/server.js";

const MINUTE_MS = 60_000;
const MOST_MB = 10;

const minutes = Number(process.argv[2] ?? 30);
if (!(minutes > 0)) throw new Error("Say for how many minutes: node bench/ticker.mjs 30");
const data = await mkdtemp(join(tmpdir(), "millrace-ticker-"));
const server = await createServer({ data });
const url = await server.listen(0);
const prices = JSON.parse(await readFile(new URL("../dist/demo/prices.json", import.meta.url), "utf8"));
const demo = startDemo({ fetch: (request) => server.fetch(request), prices });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
try {
  process.exitCode = (await watch()) < MOST_MB ? 0 : 1;
} finally {
  await browser.close();
  await demo.stop();
  await server.close();
  await rm(data, { recursive: true, force: true });
}

async function watch() {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  await page.goto(`${url}/live/ticker`);
  await page.getByLabel("2,000/s").check();
  const cdp = await page.context().newCDPSession(page);
  // The first seconds fill what has a bound.
  await sleep(10_000);
  const first = await heapOf(cdp);
  let last = first;
  console.log(`at the start  ${first.toFixed(1)} MB`);
  for (let minute = 1; minute <= minutes; minute++) {
    await sleep(MINUTE_MS);
    last = await heapOf(cdp);
    const figures = await page.locator(".live-figures").innerText();
    console.log(`minute ${String(minute).padStart(2)}     ${last.toFixed(1)} MB  ${figures}`);
  }
  console.log(`grown by      ${(last - first).toFixed(1)} MB of at most ${MOST_MB}`);
  return last - first;
}

async function heapOf(cdp) {
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  return usedSize / 2 ** 20;
}
