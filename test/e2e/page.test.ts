import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

let browser: Browser;
let server: ServerProcess;
beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), startServerProcess()]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

interface Opened {
  page: Page;
  errors: string[];
}

/** A page whose console has to stay quiet. */
async function open(path = "/", options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(new URL(path, server.url).href);
  return { page, errors };
}

function answer(page: Page): Promise<string> {
  return page.locator('article[data-role="assistant"] .text').last().innerText();
}

async function ask(page: Page, text: string, model?: string): Promise<void> {
  if (model !== undefined) await page.locator("#model select").selectOption(model);
  await page.fill("#prompt", text);
  await page.locator("#prompt").press("Enter");
}

/** A chat in the list. */
function entry(page: Page, name: string): Locator {
  return page.locator(".chats").getByRole("link", { name });
}

async function untilEnded(page: Page): Promise<void> {
  await expect.poll(() => page.locator("#send").getAttribute("data-does")).toBe("send");
}

test("a question is answered as it is written, and links lead to the documentation", async () => {
  const { page, errors } = await open();
  await ask(page, "What is SSE?", "guide");
  await expect.poll(() => answer(page)).toContain("Server-Sent Events");
  expect(new URL(page.url()).pathname).toMatch(/^\/c\/[a-z0-9]+$/);
  expect(await page.locator('article[data-role="user"]').count()).toBe(1);
  await untilEnded(page);
  await expect.poll(() => page.locator(".figures").innerText()).toContain("tokens");
  await expect.poll(() => page.locator("#status").innerText()).toMatch(/^Answer complete, \d+ words\.$/);
  await expect.poll(() => page.title()).toBe("What is SSE? · Millrace");
  const link = page.locator(".text a").first();
  const response = await page.request.get(new URL((await link.getAttribute("href")) ?? "", server.url).href);
  expect(response.status()).toBe(200);
  const style = /<link rel="stylesheet" href="([^"]+docs\.css)">/.exec(await response.text())?.[1] ?? "none";
  expect((await page.request.get(new URL(style, response.url()).href)).status()).toBe(200);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a reload and a second tab show the same answer, and Esc stops it in both", async () => {
  const { page, errors } = await open();
  await ask(page, "tokens=4000 rate=40 seed=5", "script");
  await expect.poll(async () => (await answer(page)).length).toBeGreaterThan(60);
  const before = await answer(page);
  await page.reload();
  await expect.poll(() => answer(page)).toContain(before.slice(0, 60));
  const second = await page.context().newPage();
  await second.goto(page.url());
  await expect.poll(() => answer(second)).toContain(before.slice(0, 60));
  await page.bringToFront();
  await page.keyboard.press("Escape");
  for (const tab of [page, second]) {
    await expect.poll(() => tab.locator(".ending").innerText()).toMatch(/^Stopped\./);
  }
  await expect.poll(async () => (await answer(second)) === (await answer(page))).toBe(true);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("an answer is asked for again and a question edited, and every version can be shown", async () => {
  const { page, errors } = await open();
  await ask(page, "tokens=5 seed=1 rate=0", "script");
  await expect.poll(() => page.locator("article").count()).toBe(2);
  await untilEnded(page);
  await page.getByRole("button", { name: "Answer again" }).click();
  await expect.poll(() => page.locator(".branches").innerText()).toContain("2 / 2");
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Edit the message").fill("tokens=7 seed=2 rate=0");
  await page.getByRole("button", { name: "Ask this instead" }).click();
  await expect.poll(() => page.locator('[data-role="user"] .branches').innerText()).toContain("2 / 2");
  await untilEnded(page);
  await page.locator('[data-role="user"]').getByRole("button", { name: "The version before" }).click();
  await expect
    .poll(() => page.locator('[data-role="user"] .text').innerText())
    .toBe("tokens=5 seed=1 rate=0");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("the list is live in every tab; a chat is renamed, deleted and brought back", async () => {
  const { page, errors } = await open();
  const { page: other } = await open();
  await ask(page, "tokens=3 seed=77 rate=0", "script");
  await expect.poll(() => entry(other, "tokens=3 seed=77").count()).toBe(1);
  await entry(page, "tokens=3 seed=77").dblclick();
  await page.getByLabel("The chat's name").fill("Seventy-seven");
  await page.keyboard.press("Enter");
  await expect.poll(() => entry(other, "Seventy-seven").count()).toBe(1);
  await page.getByRole("button", { name: "Delete Seventy-seven" }).click();
  await expect.poll(() => entry(other, "Seventy-seven").count()).toBe(0);
  await expect.poll(() => page.locator("h1").innerText()).toBe("This chat was deleted.");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect.poll(() => entry(other, "Seventy-seven").count()).toBe(1);
  await expect.poll(() => page.locator("article").count()).toBe(2);
  expect(errors).toEqual([]);
  await page.context().close();
  await other.context().close();
});

/** What has the focus: its id, its label or its text. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { activeElement } = document;
    return activeElement?.id || activeElement?.getAttribute("aria-label") || activeElement?.textContent || "";
  });
}

test("the keyboard is enough, and the focus is never lost", async () => {
  const { page, errors } = await open();
  await ask(page, "tokens=5 seed=31 rate=20", "script");
  await expect.poll(() => page.locator("article").count()).toBe(2);
  await untilEnded(page);
  await expect.poll(() => focused(page)).toBe("prompt");

  await page.getByRole("button", { name: "Answer again" }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator(".branches").innerText()).toContain("2 / 2");
  await untilEnded(page);
  await expect.poll(() => focused(page)).toBe("Answer of script");
  await page.getByRole("button", { name: "The version before" }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator(".branches").innerText()).toContain("1 / 2");
  await expect.poll(() => focused(page)).toBe("The version before");

  await page.getByRole("button", { name: "Edit" }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => focused(page)).toBe("Edit the message");
  await page.keyboard.press("Escape");
  await expect.poll(() => focused(page)).toBe("You");

  await page.getByRole("button", { name: "Rename tokens=5 seed=31" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("Thirty-one");
  await page.keyboard.press("Enter");
  await expect.poll(() => entry(page, "Thirty-one").count()).toBe(1);
  await expect.poll(() => focused(page)).toBe("Thirty-one");
  await page.getByRole("button", { name: "Delete Thirty-one" }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => focused(page)).toBe("Undo");
  await page.keyboard.press("Enter");
  await expect.poll(() => entry(page, "Thirty-one").count()).toBe(1);
  // The chat is there again, and its box.
  await expect.poll(() => focused(page)).toBe("prompt");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("an input method keeps its Enter, and an answer does not touch the messages before it", async () => {
  const { page, errors } = await open();
  await ask(page, "tokens=40 seed=32 rate=0 markdown=true", "script");
  await expect.poll(() => page.locator("article").count()).toBe(2);
  await untilEnded(page);
  await page.fill("#prompt", "tokens=200 seed=33 rate=200");
  for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
    await page.locator("#prompt").dispatchEvent("keydown", { key: "Enter", ...init });
  }
  expect(await page.inputValue("#prompt")).toBe("tokens=200 seed=33 rate=200");
  await page.evaluate(() => {
    const changes: string[] = [];
    const observer = new MutationObserver((records) => changes.push(...records.map(({ type }) => type)));
    for (const article of document.querySelectorAll('[data-role="user"], .prose'))
      observer.observe(article, { childList: true, characterData: true, attributes: true, subtree: true });
    Object.assign(globalThis, { changes });
  });
  await page.locator("#prompt").press("Enter");
  await expect.poll(() => page.locator("article").count()).toBe(4);
  await untilEnded(page);
  expect(await page.evaluate(() => (globalThis as unknown as { changes: string[] }).changes)).toEqual([]);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("on a page of 320 px nothing goes sideways, and the list is a drawer that Esc closes before it stops", async () => {
  const { page, errors } = await open("/", { viewport: { width: 320, height: 640 } });
  await ask(page, "tokens=2000 seed=34 rate=100 markdown=true", "script");
  await expect.poll(async () => (await answer(page)).length).toBeGreaterThan(400);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  await page.getByRole("button", { name: "Chats" }).click();
  await expect.poll(() => focused(page)).toBe("New chat");
  await page.keyboard.press("Escape");
  await expect.poll(() => page.locator(".sidebar").isVisible()).toBe(false);
  await expect.poll(() => focused(page)).toBe("Chats");
  expect(await page.locator("#send").getAttribute("data-does")).toBe("stop");
  await page.keyboard.press("Escape");
  await untilEnded(page);
  await expect.poll(() => page.locator(".ending").innerText()).toBe("Stopped. The text so far is kept.");
  await page.getByRole("button", { name: "Chats" }).click();
  await entry(page, "tokens=2000 seed=34").click();
  await expect.poll(() => page.locator(".sidebar").isVisible()).toBe(false);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("an address may propose a question, and never asks it", async () => {
  const { page } = await open("/?prompt=What%20is%20SSE%3F");
  expect(await page.inputValue("#prompt")).toBe("What is SSE?");
  expect(await page.locator("article").count()).toBe(0);
  await page.context().close();
  const { page: lost } = await open("/c/nothing1");
  await expect.poll(() => lost.locator("h1").innerText()).toBe("There is no such chat.");
  await lost.context().close();
});
