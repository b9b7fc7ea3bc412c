import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import {
  askTold,
  openChatPage,
  openNewChat,
  startToldServer,
  untilAnswered,
} from "../support/markdown-page.ts";
import type { ToldServer } from "../support/markdown-page.ts";

let browser: Browser;
let told: ToldServer;
beforeAll(async () => {
  [browser, told] = await Promise.all([launchBrowser(), startToldServer()]);
});
afterAll(async () => {
  await browser.close();
  await told[Symbol.asyncDispose]();
});

async function choose(page: Page, item: string): Promise<void> {
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.locator("#more").getByRole("button", { name: item }).click();
}

function focused(page: Page): Promise<string> {
  return page.evaluate(
    () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id ?? "",
  );
}

/** What the page's paper looks like: 0 black, 1 white. */
function lightness(page: Page): Promise<number> {
  return page.evaluate(() => {
    const context = document.createElement("canvas").getContext("2d");
    if (context === null) throw new Error("no canvas");
    context.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    return (context.getImageData(0, 0, 1, 1).data[0] ?? 0) / 255;
  });
}

test("a chat is exported as it is shown, and as all that it is", async () => {
  const { page, errors, strays } = await openChatPage(browser, told.server.url);
  told.tell("The **first** answer.");
  await askTold(page, "Say something");
  await untilAnswered(page);
  told.tell("The second answer.");
  await page.getByRole("button", { name: "Answer again" }).click();
  await expect.poll(() => page.locator(".branches").innerText()).toContain("2 / 2");
  await untilAnswered(page);

  const [markdown] = await Promise.all([page.waitForEvent("download"), choose(page, "Export as Markdown")]);
  expect(markdown.suggestedFilename()).toBe("say-something.md");
  expect(await readFile(await markdown.path(), "utf8")).toBe(
    "# Say something\n\n## You\n\nSay something\n\n## fake-model\n\nThe second answer.\n",
  );
  const [json] = await Promise.all([page.waitForEvent("download"), choose(page, "Export as JSON")]);
  expect(json.suggestedFilename()).toBe("say-something.json");
  const { messages } = JSON.parse(await readFile(await json.path(), "utf8")) as {
    messages: { text: string }[];
  };
  expect(messages.map(({ text }) => text)).toEqual([
    "Say something",
    "The **first** answer.",
    "The second answer.",
  ]);
  expect({ errors, strays }).toEqual({ errors: [], strays: [] });
  await page.context().close();
});

test("instructions come before everything else, are said above the chat, and can be changed", async () => {
  const { page } = await openChatPage(browser, told.server.url);
  await choose(page, "Instructions");
  await expect.poll(() => focused(page)).toBe("instructions");
  await page.keyboard.type("Answer in one word.");
  await page.getByRole("button", { name: "Save" }).click();
  expect(await page.locator(".told").innerText()).toContain("Answer in one word.");
  told.tell("Yes.");
  await askTold(page, "Is it?");
  await untilAnswered(page);
  expect(told.provider.calls.at(-1)?.body?.messages).toEqual([
    { role: "system", content: "Answer in one word." },
    { role: "user", content: "Is it?" },
  ]);
  await page.locator(".told").click();
  await page.locator("#instructions").fill("Answer in two words.");
  await page.getByRole("button", { name: "Save" }).click();
  await expect.poll(() => page.locator(".told").innerText()).toContain("Answer in two words.");
  // The news of it may come before the answer to it, until which the dialog covers the page.
  await expect.poll(() => page.locator("dialog").count()).toBe(0);
  told.tell("Yes indeed.");
  await page.fill("#prompt", "Really?");
  await page.locator("#prompt").press("Enter");
  await expect
    .poll(() => told.provider.calls.at(-1)?.body?.messages[0]?.content)
    .toBe("Answer in two words.");
  // They belong to that chat alone.
  await openNewChat(page);
  await expect.poll(() => page.locator(".told").count()).toBe(0);
  await page.context().close();
});

test("the colours follow the system, unless someone has chosen, in every tab and after a reload", async () => {
  const { page } = await openChatPage(browser, told.server.url, { colorScheme: "light" });
  const second = await page.context().newPage();
  await second.goto(told.server.url);
  await expect.poll(() => lightness(page)).toBeGreaterThan(0.9);
  await choose(page, "Dark");
  await expect.poll(() => lightness(page)).toBeLessThan(0.3);
  await expect.poll(() => lightness(second)).toBeLessThan(0.3);
  await page.reload();
  await expect.poll(() => lightness(page)).toBeLessThan(0.3);
  await page.getByRole("button", { name: "More", exact: true }).click();
  const dark = page.locator("#more").getByRole("button", { name: "Dark" });
  expect(await dark.getAttribute("aria-pressed")).toBe("true");
  await page.locator("#more").getByRole("button", { name: "System" }).click();
  await expect.poll(() => lightness(page)).toBeGreaterThan(0.9);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(() => lightness(page)).toBeLessThan(0.3);
  await page.context().close();
});

test("single keys go through the messages and open what there is, but never in text, and can be turned off", async () => {
  const { page, errors } = await openChatPage(browser, told.server.url);
  told.tell("One.");
  await askTold(page, "First");
  await untilAnswered(page);
  await page.locator("#prompt").press("?");
  expect(await page.inputValue("#prompt")).toBe("?");
  expect(await page.locator("dialog").count()).toBe(0);
  await page.fill("#prompt", "");
  await page.locator("body").evaluate(() => (document.activeElement as HTMLElement | null)?.blur());

  await page.keyboard.press("j");
  await expect.poll(() => focused(page)).toBe("Answer of fake-model");
  await page.keyboard.press("k");
  await expect.poll(() => focused(page)).toBe("You");
  await page.keyboard.press("k");
  await expect.poll(() => focused(page)).toBe("You");
  await page.keyboard.press("w");
  await page.locator("#wire").waitFor();
  await page.keyboard.press("w");
  await expect.poll(() => page.locator("#wire").count()).toBe(0);
  await page.keyboard.press("/");
  await expect.poll(() => focused(page)).toBe("Search the chats");
  await page.locator("article.answer").focus();
  await page.keyboard.press("m");
  await expect.poll(() => focused(page)).toBe("prompt");

  await page.locator("article.answer").focus();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys and marks" }).waitFor();
  await page.getByRole("checkbox").uncheck();
  await page.keyboard.press("Escape");
  await expect.poll(() => page.locator("dialog").count()).toBe(0);
  await expect.poll(() => focused(page)).toBe("Answer of fake-model");
  await page.keyboard.press("w");
  expect(await page.locator("#wire").count()).toBe(0);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys and marks" }).waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("Esc closes what lies over the page before it stops an answer", async () => {
  const { page } = await openChatPage(browser, told.server.url);
  // It goes on until it is stopped.
  told.tell("word ".repeat(400), { rate: 40, hangAfter: 100 });
  await askTold(page, "Long");
  await page.locator(".prose p").waitFor();
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.keyboard.press("Escape");
  await expect.poll(() => page.locator("#more").isVisible()).toBe(false);
  await choose(page, "Keys and marks");
  await page.keyboard.press("Escape");
  await expect.poll(() => page.locator("dialog").count()).toBe(0);
  expect(await page.locator("#send").getAttribute("data-does")).toBe("stop");
  await page.keyboard.press("Escape");
  await expect.poll(() => page.locator(".ending").innerText()).toBe("Stopped. The text so far is kept.");
  await page.context().close();
});
