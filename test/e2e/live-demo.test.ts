import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { openLivePage } from "../support/live-page.ts";
import { startServerProcess } from "../support/server-process.ts";

test("the demo fills the board, says what it is, and is gone when the server was stopped", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "millrace-demo-"));
  const server = await startServerProcess({ dataDir, hasDemo: true });
  const browser = await launchBrowser();
  const { page, errors, foreign } = await openLivePage(browser, `${server.url}/live/scoreboard`);
  await expect.poll(() => page.locator(".match").count()).toBe(9);
  expect(await page.locator("#simulated").innerText()).toBe("Simulated matches");
  const clocks = () => page.locator(".match-clock").allInnerTexts();
  const before = await clocks();
  await expect.poll(clocks).not.toEqual(before);
  expect({ errors, foreign }).toEqual({ errors: [], foreign: [] });
  await browser.close();
  server.kill("SIGTERM");
  expect(await server.exit).toBe(0);

  await using second = await startServerProcess({ dataDir });
  const tickets = await fetch(`${second.url}/v1/streams/demo/support/tickets`);
  const left = (await tickets.json()) as { events: { event: { deleted?: boolean } }[] };
  expect(left.events.filter(({ event }) => event.deleted !== true)).toEqual([]);
  expect(left.events.length).toBeGreaterThanOrEqual(5);
  for (const [stream, keys] of Object.entries({ scores: 9, ticker: 500, "ticker-rate": 1 })) {
    const response = await fetch(`${second.url}/v1/streams/demo/${stream}`);
    const { events } = (await response.json()) as { events: { event: { deleted?: boolean } }[] };
    expect(events.filter(({ event }) => event.deleted === true)).toHaveLength(keys);
    expect(events).toHaveLength(keys);
  }
  expect((await fetch(`${second.url}/v1/streams/demo/notifications`)).status).toBe(404);
  await second[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});
