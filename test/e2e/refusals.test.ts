import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { askTold, startToldServer, untilAnswered } from "../support/markdown-page.ts";
import type { ToldServer } from "../support/markdown-page.ts";

let browser: Browser;
let told: ToldServer;
let context: BrowserContext;
let page: Page;
let errors: string[];
beforeAll(async () => {
  [browser, told] = await Promise.all([launchBrowser(), startToldServer()]);
});
afterAll(async () => {
  await browser.close();
  await told[Symbol.asyncDispose]();
});
beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
});
afterEach(async () => {
  expect(errors).toEqual([]);
  await context.close();
});

function status(): Promise<string> {
  return page.locator("#status").innerText();
}

function link(): Promise<string | null> {
  return page.locator("#link").getAttribute("data-link");
}

test("a page that is opened before its server waits for it, says so after two seconds, and repairs itself", async () => {
  await page.route("**/v1/**", (route) => route.abort("connectionrefused"));
  // When something stood there first, in milliseconds from when the page was asked for.
  await page.addInitScript(() => {
    const look = () => {
      const text = document.querySelector("#status")?.textContent ?? "";
      if (text !== "") Object.assign(globalThis, { saidAfter: performance.now() });
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await page.goto(told.server.url);
  await expect.poll(link).toBe("connecting");
  await expect.poll(status).toBe("The server cannot be reached. This page waits for it.");
  expect(await page.evaluate("saidAfter")).toBeGreaterThan(2_000);
  await page.unrouteAll();
  await expect.poll(link).toBe("open");
  await expect.poll(status).toBe("");
  await expect.poll(() => page.locator("#model select").count()).toBe(1);
});

test("whoever is signed out is told so, and nothing is asked again until they want it", async () => {
  await page.clock.install();
  let asked = 0;
  await page.route("**/v1/**", (route) => {
    asked += 1;
    return route.fulfill({ status: 401, body: "no" });
  });
  await page.goto(told.server.url);
  await expect.poll(status).toBe("You are signed out. Sign in to go on.");
  await expect.poll(link).toBe("refused");
  // What was under way when the first was refused.
  await page.waitForLoadState("networkidle");
  const before = asked;
  await page.clock.runFor(120_000);
  expect(asked).toBe(before);
  await page.unrouteAll();
  await page.clock.resume();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect.poll(link).toBe("open");
  await expect.poll(() => page.locator("#model select").count()).toBe(1);
});

test("who is signed out in the middle of a chat is told so, and goes on where it was", async () => {
  told.tell("word ".repeat(300), { rate: 60 });
  await page.goto(told.server.url);
  await askTold(page, "Long");
  await page.locator(".prose p").waitFor();
  await page.route("**/v1/streams?*", (route) => route.fulfill({ status: 401, body: "no" }));
  await page.getByRole("button", { name: "Wire" }).click();
  await page.getByRole("button", { name: "Cut the wire" }).click();
  await expect.poll(status).toBe("You are signed out. Sign in to go on.");
  await expect.poll(() => page.locator('.wire-mark[data-tone="bad"]').innerText()).toContain("Refused, 401.");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Try again" }).click();
  await untilAnswered(page);
  expect((await page.locator(".prose").innerText()).split(/\s+/)).toHaveLength(300);
});

test.each([
  { name: "ten years slow", years: -10 },
  { name: "ten years fast", years: 10 },
])(
  "with a clock that is $name, and then set right, an answer streams, is cut and comes back",
  async ({ years }) => {
    await page.addInitScript(
      (offset) => {
        const now = Date.now.bind(Date);
        Object.assign(globalThis, { offset });
        Date.now = () => now() + (globalThis as unknown as { offset: number }).offset;
      },
      years * 365 * 86_400_000,
    );
    told.tell("word ".repeat(500), { rate: 60 });
    await page.goto(told.server.url);
    await askTold(page, "Long");
    await page.locator(".prose p").waitFor();
    await page.evaluate(() => Object.assign(globalThis, { offset: 0 }));
    await page.getByRole("button", { name: "Wire" }).click();
    await page.getByRole("button", { name: "Cut the wire" }).click();
    await expect.poll(link).toBe("reconnecting");
    await expect.poll(link).toBe("open");
    await untilAnswered(page);
    expect((await page.locator(".prose").innerText()).split(/\s+/)).toHaveLength(500);
    expect(await page.locator(".chats .unread").count()).toBe(0);
  },
);

test("a prompt of 1 MB stays whole in the box, says how long it may be, and is not sent", async () => {
  await page.goto(told.server.url);
  await page.locator("#model select").selectOption("fake-model");
  await page.fill("#prompt", "x".repeat(1_048_576));
  expect(await page.locator(".too-long").innerText()).toContain(
    "This has 1,048,576 characters, a message may have 200,000.",
  );
  const calls = told.provider.calls.length;
  await page.locator("#prompt").press("Enter");
  await page.locator("#send").dispatchEvent("click");
  expect((await page.inputValue("#prompt")).length).toBe(1_048_576);
  expect(new URL(page.url()).pathname).toBe("/");
  expect(told.provider.calls).toHaveLength(calls);

  told.tell("Long, that was.");
  await page.fill("#prompt", "y".repeat(200_000));
  await expect.poll(() => page.locator(".too-long").count()).toBe(0);
  await page.locator("#prompt").press("Enter");
  await untilAnswered(page);
  expect(told.provider.calls.at(-1)?.prompt).toHaveLength(200_000);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
});

test("a model that is gone gives way to the server's own choice, and what needs it says so", async () => {
  await page.addInitScript(() => localStorage.setItem("millrace:model", "gone-model"));
  await page.goto(told.server.url);
  await expect.poll(() => page.locator("#model select").inputValue()).not.toBe("");
  told.tell("word ".repeat(50), { breakAfter: 20 });
  await askTold(page, "Break");
  await untilAnswered(page);
  const message = "There is no model fake-model. Choose another.";
  await page.route("**/continue", (route) =>
    route.fulfill({ status: 400, json: { error: { code: "unknown-model", message, retryable: false } } }),
  );
  await page.getByRole("button", { name: "Continue" }).click();
  await expect.poll(status).toBe(message);
  // The text is as it was, and can be asked for again.
  await page.getByRole("button", { name: "Answer again" }).waitFor();
});

test("a chat that is deleted in another tab says so, comes back from there, and keeps what was being written", async () => {
  told.tell("Hello.");
  await page.goto(told.server.url);
  await askTold(page, "To be deleted");
  await untilAnswered(page);
  await page.fill("#prompt", "half a question");
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByRole("button", { name: "Delete To be deleted" }).click();
  await expect.poll(() => page.locator("h1").innerText()).toBe("This chat was deleted.");
  await page.getByRole("button", { name: "Restore it" }).click();
  await page.locator("article.answer").waitFor();
  await expect.poll(() => page.inputValue("#prompt")).toBe("half a question");
});

test("six tabs of the page have one event connection, and all show the same", async () => {
  const readers = async () => {
    const figures = await (await fetch(`${told.server.url}/metrics`)).text();
    return [...figures.matchAll(/^millrace_readers\{.*\} (\d+)$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  };
  // It goes on until it is stopped.
  told.tell("word ".repeat(1_500), { rate: 40, hangAfter: 1_000 });
  await page.goto(told.server.url);
  await askTold(page, "For all");
  await page.locator(".prose p").waitFor();
  const tabs = [page];
  for (let index = 0; index < 5; index++) {
    const tab = await context.newPage();
    await tab.goto(page.url());
    await tab.locator(".prose p").waitFor();
    tabs.push(tab);
  }
  // One that does not answer for half a second is taken for dead, and another opens one: then the first closes its own.
  await expect.poll(readers).toBe(1);
  await tabs[3]?.keyboard.press("Escape");
  await Promise.all(tabs.map((tab) => tab.locator(".ending").waitFor()));
  const texts = () => Promise.all(tabs.map((tab) => tab.locator(".prose").innerText()));
  await expect.poll(async () => new Set(await texts()).size).toBe(1);
  await expect.poll(readers).toBe(1);
});

test("Esc is heard within a frame, what was seen is what is stored, and the model is not asked further", async () => {
  told.tell("word ".repeat(500), { rate: 60 });
  await page.goto(told.server.url);
  const aborts = told.provider.aborts;
  await askTold(page, "Stop me");
  await page.locator(".prose p").waitFor();
  const said = await page.evaluate(async () => {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return document.querySelector("#status")?.textContent;
  });
  // It may have ended already.
  expect(["Stopping.", ""]).toContain(said);
  await page.locator(".ending").waitFor();
  await told.provider.whenAborted(aborts + 1);
  await expect.poll(() => page.locator(".ending").innerText()).toBe("Stopped. The text so far is kept.");
  const seen = await page.locator(".prose").evaluate((prose) => prose.textContent);
  const chat = new URL(page.url()).pathname.slice("/c/".length);
  const { messages } = (await (await page.request.get(`${told.server.url}/v1/chats/${chat}`)).json()) as {
    messages: { text: string }[];
  };
  expect(seen?.trim()).toBe(messages[1]?.text.trim());
  for (const name of ["Continue", "Answer again"]) await page.getByRole("button", { name }).waitFor();
});
