import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gate } from "../support/app.ts";
import { launchBrowser } from "../support/browser.ts";
import { askTold, openChatPage, openNewChat, startToldServer } from "../support/markdown-page.ts";
import type { ToldServer } from "../support/markdown-page.ts";
import type { ServerProcess } from "../support/server-process.ts";

let browser: Browser;
let told: ToldServer;
let server: ServerProcess;
beforeAll(async () => {
  [browser, told] = await Promise.all([launchBrowser(), startToldServer()]);
  ({ server } = told);
});
afterAll(async () => {
  await browser.close();
  await told[Symbol.asyncDispose]();
});

async function ask(page: Page, text: string): Promise<void> {
  await page.locator("#model select").selectOption("script");
  await page.fill("#prompt", text);
  await page.locator("#prompt").press("Enter");
  await page.locator("article.answer").first().waitFor();
}

/** The marks of a chat in the list. */
function marks(page: Page, title: string): Promise<string[]> {
  return page
    .locator(".chats li", { hasText: title })
    .locator('[role="img"]')
    .evaluateAll((elements) => elements.map((element) => element.getAttribute("aria-label") ?? ""));
}

function draft(page: Page): Promise<string> {
  return page.inputValue("#prompt");
}

test("a chat that is answered elsewhere says so, and then that it was not read, until it is", async () => {
  const { page, errors } = await openChatPage(browser, server.url);
  const { opened, open } = gate();
  told.tell("It is answered elsewhere.", { hold: (token) => (token === 2 ? opened : undefined) });
  await askTold(page, "seed=41");
  await expect.poll(() => marks(page, "seed=41")).toEqual(["Answering"]);
  await openNewChat(page);
  await expect.poll(() => page.locator("article").count()).toBe(0);
  expect(await marks(page, "seed=41")).toEqual(["Answering"]);
  open();
  await expect.poll(() => marks(page, "seed=41")).toEqual(["Not read yet"]);
  await page.reload();
  await expect.poll(() => marks(page, "seed=41")).toEqual(["Not read yet"]);
  await page.getByRole("link", { name: "seed=41" }).click();
  await expect.poll(() => marks(page, "seed=41")).toEqual([]);
  // It was read in this browser: no other tab of it says otherwise.
  const second = await page.context().newPage();
  await second.goto(server.url);
  await second.locator(".chats li", { hasText: "seed=41" }).waitFor();
  expect(await marks(second, "seed=41")).toEqual([]);
  // Whoever watches the answer end has read it.
  await page.locator("#model select").selectOption("script");
  await page.fill("#prompt", "tokens=2 seed=42 rate=0");
  await page.bringToFront();
  await page.locator("#prompt").press("Enter");
  await expect.poll(() => page.locator('article[data-state="ended"]').count()).toBe(2);
  await expect.poll(() => marks(page, "seed=41")).toEqual([]);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("chats are found by what was said in them, and Esc brings the list back", async () => {
  const { page, errors } = await openChatPage(browser, server.url);
  await ask(page, "tokens=2 seed=51 rate=0 about a periwinkle");
  await openNewChat(page);
  const search = page.getByRole("searchbox", { name: "Search the chats" });
  await search.fill("periwin");
  const found = page.locator(".found li");
  await expect.poll(() => found.count()).toBe(1);
  expect(await found.locator(".snippet").innerText()).toContain("about a periwinkle");
  expect(await page.locator(".chats:not(.found)").isVisible()).toBe(false);
  await found.locator("a").click();
  await page.locator("article.question", { hasText: "periwinkle" }).waitFor();

  await search.fill("nowhere-to-be-found");
  await expect.poll(() => page.locator(".no-chats").innerText()).toBe("No chat holds these words.");
  await search.press("Escape");
  await expect.poll(() => search.inputValue()).toBe("");
  await expect.poll(() => page.locator(".chats:not(.found)").isVisible()).toBe(true);

  await page.route("**/v1/chats?q=*", (route) =>
    route.fulfill({
      status: 507,
      json: { error: { code: "log-full", message: "The disk is full.", retryable: false } },
    }),
  );
  await search.fill("refused");
  await expect.poll(() => page.locator(".no-chats").innerText()).toBe("The disk is full.");
  expect(errors.filter((text) => !text.includes("507"))).toEqual([]);
  await page.context().close();
});

test("each chat has its draft, which survives a reload and leaves with the sending", async () => {
  const { page } = await openChatPage(browser, server.url);
  await page.fill("#prompt", "a beginning");
  await page.reload();
  await expect.poll(() => draft(page)).toBe("a beginning");
  await ask(page, "tokens=2 seed=61 rate=0");
  await expect.poll(() => page.locator('article[data-state="ended"]').count()).toBe(1);
  await expect.poll(() => draft(page)).toBe("");
  await page.fill("#prompt", "tokens=2 seed=62 rate=0");
  await openNewChat(page);
  await expect.poll(() => draft(page)).toBe("");
  await page.fill("#prompt", "another beginning");
  await page.goBack();
  await expect.poll(() => draft(page)).toBe("tokens=2 seed=62 rate=0");
  await page.reload();
  await expect.poll(() => draft(page)).toBe("tokens=2 seed=62 rate=0");
  await page.locator("#prompt").press("Enter");
  await expect.poll(() => page.locator('article[data-state="ended"]').count()).toBe(2);
  await page.reload();
  await page.locator("article").first().waitFor();
  await expect.poll(() => draft(page)).toBe("");
  await page.goto(server.url);
  await expect.poll(() => draft(page)).toBe("another beginning");
  await page.context().close();
});

test("what was sent while nobody took it is back in the box after a reload", async () => {
  const { page } = await openChatPage(browser, server.url);
  await ask(page, "tokens=2 seed=71 rate=0");
  await expect.poll(() => page.locator('article[data-state="ended"]').count()).toBe(1);
  await page.route("**/messages", (route) => route.abort());
  await page.fill("#prompt", "not taken yet");
  await page.locator("#prompt").press("Enter");
  await page.locator('article[data-sending="sending"]').waitFor();
  await page.unrouteAll();
  await page.reload();
  await expect.poll(() => draft(page)).toBe("not taken yet");
  await page.context().close();
});

test.each([
  {
    name: "forbidden",
    forbid: () =>
      Object.defineProperty(globalThis, "localStorage", {
        get: () => {
          throw new DOMException("forbidden", "SecurityError");
        },
      }),
  },
  {
    name: "full",
    forbid: () => {
      Storage.prototype.setItem = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    },
  },
])("with storage that is $name everything works, and lasts as long as the page", async ({ forbid }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.addInitScript(forbid);
  await page.goto(server.url);
  await ask(page, "tokens=2 seed=81 rate=0");
  await expect.poll(() => page.locator('article[data-state="ended"]').count()).toBe(1);
  expect(await page.locator("#model select").inputValue()).toBe("script");
  await page.fill("#prompt", "tokens=2 seed=62 rate=0");
  await openNewChat(page);
  await expect.poll(() => draft(page)).toBe("");
  await page.goBack();
  await expect.poll(() => draft(page)).toBe("tokens=2 seed=62 rate=0");
  await page.getByRole("button", { name: "Wire" }).click();
  await page.locator("#wire").waitFor();
  expect(errors).toEqual([]);
  await context.close();
});
