import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
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

const board = () => openLivePage(browser, `${server.url}/live/scoreboard`);
const scores = (page: Page) => page.locator(".match-score").allInnerTexts();

/** Counts how often a change is marked from now on. */
async function countWashes(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    Object.assign(globalThis, { washes: 0 });
    document.addEventListener("animationstart", ({ animationName }) => {
      if (animationName === "wash")
        Object.assign(globalThis, { washes: Number(Reflect.get(globalThis, "washes")) + 1 });
    });
  });
  return () => page.evaluate(() => Number(Reflect.get(globalThis, "washes")));
}

test("the chat page leads to the feeds, and each has its address", async () => {
  const { page, errors } = await openLivePage(browser, `${server.url}/`);
  await page.getByRole("link", { name: "Live feeds" }).first().click();
  await page
    .getByRole("link", { name: /^Scoreboard/ })
    .first()
    .click();
  await page.locator("h1", { hasText: "Scoreboard" }).waitFor();
  expect(new URL(page.url()).pathname).toBe("/live/scoreboard");
  expect(await page.title()).toBe("Scoreboard · Millrace");
  await page.goBack();
  await page.locator("h1", { hasText: "Live feeds" }).waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("an empty board says the command that fills it, and the command does", async () => {
  const { page, errors } = await board();
  await page.locator(".nothing").waitFor();
  const command = await page.locator(".publish code").innerText();
  await promisify(execFile)("sh", ["-c", command]);
  await expect.poll(() => scores(page)).toEqual(["2", "1"]);
  expect(await page.locator(".match-team").allInnerTexts()).toEqual(["Otters", "Herons"]);
  await expect.poll(() => page.locator(".match-clock").innerText()).toBe("63′");
  // Once more: it is no error that the stream is there.
  await promisify(execFile)("sh", ["-c", command]);
  const event = { key: "m1", deleted: true };
  await page.request.post(`${server.url}/v1/streams/scores`, { data: event });
  await page.locator(".nothing").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("the scorekeeper's presses are on every board, each once, and each change washes once", async () => {
  const keeper = await openLivePage(browser, `${server.url}/live/scoreboard/keep`);
  const boards = await Promise.all([board(), board()]);
  await keeper.page.getByLabel("Home").fill("Larks");
  await keeper.page.getByLabel("Away").fill("Swifts");
  await keeper.page.getByRole("button", { name: "Begin the match" }).click();
  for (const { page } of boards) await expect.poll(() => scores(page)).toEqual(["0", "0"]);
  const washes = await Promise.all(boards.map(({ page }) => countWashes(page)));

  await keeper.page.getByRole("button", { name: "Larks: one more" }).click();
  for (const { page } of boards) await expect.poll(() => scores(page)).toEqual(["1", "0"]);
  await keeper.page.getByRole("button", { name: "Swifts: one more" }).click();
  for (const { page } of boards) await expect.poll(() => scores(page)).toEqual(["1", "1"]);
  await expect.poll(() => Promise.all(washes.map((count) => count()))).toEqual([2, 2]);

  // Faster than any answer: none is lost.
  const more = keeper.page.getByRole("button", { name: "Larks: one more" });
  await more.evaluate((button: HTMLButtonElement) => {
    for (let press = 0; press < 20; press++) button.click();
  });
  await expect.poll(() => scores(keeper.page)).toEqual(["21", "1"]);
  for (const { page } of boards) await expect.poll(() => scores(page)).toEqual(["21", "1"]);
  await keeper.page.getByRole("button", { name: "Larks: one less" }).click();
  await keeper.page.getByRole("button", { name: "Full time" }).click();
  for (const { page } of boards) {
    await expect.poll(() => page.locator(".match-clock").innerText()).toBe("Full time");
    await expect.poll(() => scores(page)).toEqual(["20", "1"]);
  }
  // After the wash nothing is left of it.
  await expect.poll(() => boards[0]?.page.locator("[data-changed]").count()).toBe(0);
  await keeper.page.getByRole("button", { name: "Remove" }).click();
  for (const { page } of boards) await page.locator(".nothing").waitFor();
  for (const { page, errors, foreign } of [keeper, ...boards]) {
    expect({ errors, foreign }).toEqual({ errors: [], foreign: [] });
    await page.context().close();
  }
});

test("two scorekeepers on one match: the later wins, and both see it", async () => {
  const [one, two] = await Promise.all(
    [1, 2].map(() => openLivePage(browser, `${server.url}/live/scoreboard/keep`)),
  );
  if (one === undefined || two === undefined) throw new Error("two were opened");
  await one.page.getByLabel("Home").fill("Larks");
  await one.page.getByLabel("Away").fill("Swifts");
  await one.page.getByRole("button", { name: "Begin the match" }).click();
  await two.page.getByRole("button", { name: "Larks: one more" }).click();
  for (const { page } of [one, two]) await expect.poll(() => scores(page)).toEqual(["1", "0"]);
  await one.page.getByRole("button", { name: "Larks: one more" }).click();
  for (const { page } of [one, two]) await expect.poll(() => scores(page)).toEqual(["2", "0"]);
  await two.page.getByRole("button", { name: "Remove" }).click();
  for (const { page, errors } of [one, two]) {
    await expect.poll(() => scores(page)).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  }
});

test("the wire opens into the frames, and a row of wrong shape shows nothing", async () => {
  const { page, errors } = await board();
  await page.locator(".live-wire-open").first().click();
  await page.request.put(`${server.url}/v1/streams/scores`, { data: { kind: "state" } });
  await page.request.post(`${server.url}/v1/streams/scores`, { data: { key: "odd", home: "<b>2</b>" } });
  await expect
    .poll(() => page.locator(".frames").innerText())
    .toContain('data: {"key":"odd","home":"<b>2</b>"}');
  expect(await page.locator(".match").count()).toBe(0);
  await page.request.post(`${server.url}/v1/streams/scores`, { data: { key: "odd", deleted: true } });
  expect(errors).toEqual([]);
  await page.context().close();
});

test.each([320, 390, 640])("nothing is scrolled sideways at %i px", async (width) => {
  for (const path of ["/live", "/live/scoreboard", "/live/scoreboard/keep"]) {
    const { page } = await openLivePage(browser, server.url + path, { viewport: { width, height: 700 } });
    expect(await overflowOf(page), path).toBeLessThanOrEqual(0);
    await page.context().close();
  }
});
