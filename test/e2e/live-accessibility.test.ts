import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findViolations } from "../support/axe.ts";
import { launchBrowser } from "../support/browser.ts";
import { openLivePage } from "../support/live-page.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

let browser: Browser;
let server: ServerProcess;
beforeAll(async () => {
  [browser, server] = await Promise.all([
    launchBrowser(),
    startServerProcess({ hasDemo: true, args: ["--log", "memory"] }),
  ]);
});
beforeAll(async () => {
  const opened = { type: "ticket-open", subject: "The tap drips", name: "Ada", text: "Since Monday." };
  const request = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([opened, { type: "ticket-assign", to: "Robin", name: "Robin" }]),
  };
  await fetch(`${server.url}/v1/streams/support/tickets/axe`, request);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

/** Each page, and what stands on it once it is filled. */
const PAGES = [
  ["/live", "h1"],
  ["/live/notifications", ".live-main .notif-row"],
  ["/live/scoreboard", ".match"],
  ["/live/scoreboard/keep", ".begin"],
  ["/live/support", ".support-form"],
  ["/live/support/tickets/axe", ".support-message"],
  ["/live/support/desk", ".support-row"],
  ["/live/support/desk/axe", ".support-message"],
  ["/live/ticker", ".tick-price"],
  ["/live/operations", ".figure"],
] as const;

const SCHEMES: [name: string, options: BrowserContextOptions][] = [
  ["light", { colorScheme: "light" }],
  ["dark and narrow", { colorScheme: "dark", viewport: { width: 390, height: 780 } }],
];

test.each(SCHEMES)("axe finds nothing wrong in the live pages, %s", async (_, options) => {
  const { page, errors } = await openLivePage(browser, `${server.url}/live`, options);
  // A row on its way crosses others for a quarter of a second, and axe would take its ground for theirs: here it jumps.
  await page.addInitScript(() => {
    Element.prototype.animate = () => new Animation();
  });
  const found: string[] = [];
  for (const [path, filled] of PAGES) {
    await page.goto(server.url + path);
    await page.locator(filled).first().waitFor();
    found.push(...(await findViolations(page)).map((found) => `${path} ${found}`));
  }
  expect({ found, errors }).toEqual({ found: [], errors: [] });
  await page.context().close();
});

test.each(SCHEMES)(
  "axe finds nothing wrong in the bell, open and with what has just come, %s",
  async (_, options) => {
    const { page, errors } = await openLivePage(browser, `${server.url}/live`, options);
    const publish = (title: string) =>
      page.request.post(`${server.url}/v1/streams/notifications/local`, {
        data: { title, text: "2 of 618 tests", topic: "builds", href: "/live/ticker", at: 1 },
      });
    await publish("Build 42 failed");
    await page.locator(".bell-count").waitFor();
    // What comes before the page has read what was there is shown with that, without a toast.
    await expect
      .poll(async () => {
        await publish("Build 43 failed");
        return page.locator(".bell-toast").count();
      })
      .toBeGreaterThan(0);
    await page.locator(".bell").click();
    await page.locator(".bell-list .notif-row").first().waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  },
);

test("whoever wants less motion sees a change marked, and nothing move", async () => {
  const { page } = await openLivePage(browser, `${server.url}/live/scoreboard`, { reducedMotion: "reduce" });
  await page.locator(".match").first().waitFor();
  // In one step: the demo's own goals mark others, and end their marks.
  const style = await page
    .locator(".match-score")
    .first()
    .evaluate((score) => {
      score.setAttribute("data-changed", "");
      const { animationName, boxShadow } = getComputedStyle(score);
      return { animation: animationName, mark: boxShadow };
    });
  expect(style.animation).toBe("none");
  expect(style.mark).toContain("inset");
  await page.context().close();
});
