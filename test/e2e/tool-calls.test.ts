import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createDemoTools } from "../../src/cli/demo/tools.ts";
import { createServer } from "../../src/server.ts";
import type { MillraceServer } from "../../src/server.ts";
import { findViolations } from "../support/axe.ts";
import { launchBrowser } from "../support/browser.ts";
import { openChatPage } from "../support/markdown-page.ts";
import type { ChatPage } from "../support/markdown-page.ts";

let browser: Browser;
let server: MillraceServer;
let url: string;
let opened: ChatPage;
let page: Page;
let paid: unknown[];

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  paid = [];
  server = await createServer({
    log: "memory",
    isDev: true,
    model: "script",
    tools: {
      weather: { description: "Tells the weather.", run: () => ({ celsius: 3 }) },
      pay: {
        description: "Pays.",
        needsApproval: true,
        run: (input) => {
          paid.push(input);
          return "paid";
        },
      },
    },
  });
  url = await server.listen(0);
  opened = await openChatPage(browser, url);
  page = opened.page;
});
afterEach(async () => {
  await page.context().close();
  await server.close();
});

async function ask(text: string): Promise<void> {
  await page.fill("#prompt", text);
  await page.keyboard.press("Enter");
}

function call(tool: string) {
  return page.locator(".call", { has: page.locator("summary code", { hasText: tool }) });
}

function answerState(): Promise<string | null> {
  return page.locator("article.answer").last().getAttribute("data-state");
}

test("a call stands in the answer with what went in and came out, and is there after a reload", async () => {
  await ask('tool=weather input={"city":"Oslo"} tokens=5 rate=0 seed=4');
  for (let look = 0; look < 2; look += 1) {
    await expect.poll(() => call("weather").locator("summary").innerText()).toMatch(/weather\s+Done/);
    await expect.poll(answerState).toBe("ended");
    await call("weather").locator("summary").click();
    await expect
      .poll(() => call("weather").locator("pre").allInnerTexts())
      .toEqual(['{ "city": "Oslo" }', '{ "celsius": 3 }']);
    expect(await page.locator("article.answer .prose").last().innerText()).not.toBe("");
    await page.reload();
  }
  expect(opened.errors).toEqual([]);
});

test("a question that the page proposes shows a call of the demo's clock by the built-in guide", async () => {
  const demo = await createServer({ log: "memory", tools: createDemoTools(() => 0) });
  const { page: other, errors } = await openChatPage(browser, await demo.listen(0));
  try {
    await other.getByRole("button", { name: "What time is it in Tokyo?" }).click();
    const clock = other.locator(".call", { has: other.locator("summary code", { hasText: "clock" }) });
    await expect.poll(() => clock.locator("summary").innerText()).toMatch(/clock\s+Done/);
    const answer = other.locator("article.answer").last();
    await expect.poll(() => answer.getAttribute("data-state")).toBe("ended");
    expect(await answer.locator(".prose").last().innerText()).toContain(
      "It is 09:00:00 in Asia/Tokyo, on Thursday, 1 January 1970.",
    );
    expect(errors).toEqual([]);
  } finally {
    await other.context().close();
    await demo.close();
  }
});

test("a call that needs a person's word asks for it, also after a reload, and is run once it is allowed", async () => {
  await ask('tool=pay input={"euros":5} tokens=5 rate=0 seed=4');
  const question = page.getByRole("group", { name: "May pay be called?" });
  await question.waitFor();
  await page.reload();
  await question.waitFor();
  await expect.poll(() => question.innerText()).toContain('{ "euros": 5 }');
  expect(paid).toEqual([]);
  await expect.poll(() => page.locator("#status").innerText()).toBe("A call waits for your word. Esc stops.");
  expect(await findViolations(page)).toEqual([]);
  await question.getByRole("button", { name: "Allow" }).click();
  await expect.poll(answerState).toBe("ended");
  await expect.poll(() => call("pay").locator("summary").innerText()).toMatch(/pay\s+Done/);
  await expect.poll(() => question.count()).toBe(0);
  expect(paid).toEqual([{ euros: 5 }]);
});

test("a call that is refused is not run, and the answer goes on", async () => {
  await ask("tool=pay tokens=5 rate=0 seed=4");
  await page.getByRole("button", { name: "Refuse" }).click();
  await expect.poll(answerState).toBe("ended");
  await expect.poll(() => call("pay").locator("summary").innerText()).toMatch(/pay\s+Refused/);
  expect(paid).toEqual([]);
});
