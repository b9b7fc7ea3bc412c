import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Provider } from "../../src/chat/provider.ts";
import { createServer } from "../../src/server.ts";
import type { MillraceServer } from "../../src/server.ts";
import { launchBrowser } from "../support/browser.ts";
import { openLivePage, overflowOf } from "../support/live-page.ts";

/** Says a word, nothing for longer than a pause should be, and another; or nothing more. */
const halting: Provider = {
  name: "halting",
  models: () => Promise.resolve(["halting", "endless"].map((id) => ({ id, origin: "test" }))),
  async *generate({ model }, signal) {
    yield { type: "text", text: "One" };
    if (model === "endless") await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    yield { type: "text", text: " two" };
    yield { type: "finish", reason: "stop" };
  },
};

let browser: Browser;
let server: MillraceServer;
let url: string;
let axe: string;
/** Whose board is looked at. */
let board: Page;
/** The run that falters. */
let run: string;

beforeAll(async () => {
  const path = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  [browser, server, axe] = await Promise.all([
    launchBrowser(),
    createServer({ log: "memory", providers: [halting], discovers: false }),
    readFile(path, "utf8"),
  ]);
  url = await server.listen(0);
  await send("PUT", "streams/scores", { kind: "state" });
  await score(1);
  const begun = await send("POST", "runs", { prompt: "Count", model: "halting" });
  ({ run } = (await begun.json()) as { run: string });
  board = (await openLivePage(browser, `${url}/live/scoreboard`)).page;
  await board.locator(".match").first().waitFor();
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

function send(method: string, path: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(`${url}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
}

async function score(home: number): Promise<void> {
  await send("POST", "streams/scores", {
    type: "score",
    key: "m1",
    teams: ["Larks", "Swifts"],
    home,
    away: 0,
    began: 1,
  });
}

test("the inspector leads to a stream's timeline, where a reader that was cut and came back is one line", async () => {
  const { page, errors, foreign } = await openLivePage(browser, `${url}/inspect?find=scores`);
  const row = page.getByRole("region", { name: /^Readers \(/ }).locator("tbody tr");
  await row.first().waitFor();
  // The board is cut from here, and comes back with its cursor.
  await row.first().getByRole("button", { name: "Cut" }).click();
  await page.getByRole("region", { name: "Readers that have gone" }).getByText("cut here").first().waitFor();
  await expect.poll(() => server.readers).toBeGreaterThan(0);
  await score(2);
  await board.locator(".match-score", { hasText: "2" }).first().waitFor();

  await page.getByRole("link", { name: "scores", exact: true }).first().click();
  await page.getByRole("heading", { name: "scores", level: 1 }).waitFor();
  const reader = page.locator('.lane[data-kind="reader"]');
  await expect.poll(() => reader.count()).toBe(1);
  await expect
    .poll(() => reader.locator("p").textContent())
    .toMatch(/came back \d times? · .*bytes replayed · at #2, 0 behind · live over socket/);
  await reader.locator('.lane-mark[data-tone="broken"]').waitFor({ state: "attached" });
  await reader.locator('rect[data-tone="live"]').waitFor({ state: "attached" });
  expect(await page.locator('.lane[data-kind="written"] p').textContent()).toMatch(/#2 to #2|#1 to #2/);

  await page.getByLabel("What became of event").fill("2");
  await expect.poll(() => reader.locator("p").textContent()).toMatch(/^was sent #2, (?:live|replayed)/);
  await page.getByLabel("What became of event").fill("9");
  await expect
    .poll(() => reader.locator("p").textContent())
    .toMatch(/^has not been sent #9: it stands at #2/);
  expect({ errors, foreign }).toEqual({ errors: [], foreign: [] });
  await page.context().close();
});

test("the timeline of a run shows when its first token came, and where it said nothing", async () => {
  const { page } = await openLivePage(browser, `${url}/inspect?stream=runs/${run}`);
  const line = page.locator('.lane[data-kind="run"]');
  await expect
    .poll(() => line.locator("p").textContent())
    .toMatch(/^halting · first token after .* · \d+ stalls?, the longest \d+\.\d s · ended after .*: stop$/);
  expect(await line.locator('rect[data-tone="wait"]').count()).toBeGreaterThanOrEqual(2);
  await line.locator('.lane-mark[data-tone="end"]').waitFor({ state: "attached" });
  await page.context().close();
});

test("the inspector finds, stops, publishes, closes, and plays a stream again with the pauses that it had", async () => {
  const begun = await send("POST", "runs", { prompt: "Wait", model: "endless" });
  const { run: endless } = (await begun.json()) as { run: string };
  const { page, errors } = await openLivePage(browser, `${url}/inspect`);
  const runs = page.getByRole("region", { name: "Runs" }).locator("tbody tr");
  await page.getByRole("searchbox").fill(endless);
  await expect.poll(() => runs.count()).toBe(1);
  await runs.getByRole("button", { name: "Stop" }).click();
  await expect.poll(() => runs.innerText()).toContain("cancelled");
  await page.getByRole("searchbox").fill("nothing-of-this-name");
  await expect.poll(() => runs.count()).toBe(0);

  const said = page.locator(".inspect-act output");
  await page.getByLabel("Stream", { exact: true }).fill("tape");
  for (const n of [1, 2]) {
    await page.getByLabel("Event").fill(`{"n":${n}}`);
    await page.getByRole("button", { name: "Publish" }).click();
    await expect.poll(() => textsOf("tape")).toHaveLength(n);
    await expect.poll(() => said.innerText()).toBe("Published to tape.");
  }
  await page.getByLabel("Event").fill("{");
  await page.getByRole("button", { name: "Publish" }).click();
  await expect.poll(() => said.innerText()).toMatch(/JSON/);
  await page.getByRole("button", { name: "Close the stream" }).click();
  await expect.poll(() => said.innerText()).toBe("tape is closed.");

  await page.getByLabel("Play into").fill("tape-again");
  await page.getByRole("button", { name: "Play again" }).click();
  await expect.poll(() => said.innerText()).toBe("Played 2 events of tape into tape-again.");
  expect(await textsOf("tape-again")).toEqual(await textsOf("tape"));
  // A timer may fire a little early.
  expect(await pauseOf("tape-again")).toBeGreaterThanOrEqual((await pauseOf("tape")) - 5);
  // What is closed takes nothing more, and says so.
  await page.getByLabel("Event").fill('{"n":3}');
  await page.getByRole("button", { name: "Publish" }).click();
  await expect.poll(() => said.innerText()).toContain("closed");
  expect(await textsOf("tape")).toHaveLength(2);
  expect(errors.filter((error) => !error.includes("409"))).toEqual([]);
  await page.context().close();
});

async function pageOf(name: string): Promise<{ at: number; event: object }[]> {
  const response = await fetch(`${url}/v1/streams/${name}`);
  return response.ok ? ((await response.json()) as { events: { at: number; event: object }[] }).events : [];
}

/** Between its first event and its second, in milliseconds. */
async function pauseOf(name: string): Promise<number> {
  const [first = NaN, second = NaN] = (await pageOf(name)).map(({ at }) => at);
  return second - first;
}

async function textsOf(name: string): Promise<object[]> {
  return (await pageOf(name)).map(({ event }) => event);
}

test("of a name that does not exist it says who waits for it", async () => {
  const leaving = new AbortController();
  const waiting = await fetch(`${url}/v1/streams/scoers?live=1`, { signal: leaving.signal });
  const { page } = await openLivePage(browser, `${url}/inspect?stream=scoers`);
  await page.getByText("scoers does not exist: whoever reads it waits for its first event.").waitFor();
  await expect.poll(() => page.locator('.lane[data-kind="reader"]').count()).toBe(1);
  leaving.abort();
  await waiting.body?.cancel().catch(() => {}); // it was aborted
  await page.context().close();
});

const SCHEMES: [name: string, options: BrowserContextOptions][] = [
  ["light", { colorScheme: "light" }],
  ["dark and narrow", { colorScheme: "dark", viewport: { width: 320, height: 720 } }],
];

test.each(SCHEMES)(
  "axe finds nothing wrong in the inspector, %s, and nothing sticks out",
  async (_, options) => {
    const { page, errors } = await openLivePage(browser, `${url}/inspect`, options);
    for (const [path, filled] of [
      ["/inspect", ".inspect-table"],
      ["/inspect?stream=scores", '.lane[data-kind="reader"]'],
    ] as const) {
      await page.goto(url + path);
      await page.locator(filled).first().waitFor();
      // Evaluated by the browser, not loaded by the page: its policy stays as it is.
      await page.evaluate(axe);
      const results = (await page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] })",
      )) as AxeResults;
      expect(results.violations.map(({ id, nodes }) => `${path} ${id} ${nodes[0]?.html ?? ""}`)).toEqual([]);
      expect(await overflowOf(page)).toBe(0);
    }
    expect(errors).toEqual([]);
    await page.context().close();
  },
);
