import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findViolations } from "../support/axe.ts";
import { launchBrowser } from "../support/browser.ts";
import { askTold, openChatPage, startToldServer, untilAnswered } from "../support/markdown-page.ts";
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

const ANSWER = `## A title

Text with **strong**, \`code\` and [a link](https://example.org), $x^2$.

- [x] done
- [ ] to do

> A quote

| a | b |
|:--|--:|
| 1 | 2 |

\`\`\`ts
// a comment
const text: string = "x" + 1;
class A extends B { render() { return /x/.test(text); } }
\`\`\`

\`\`\`diff
- removed
+ added
\`\`\`
`;

const PAGES: [name: string, options: BrowserContextOptions][] = [
  ["light", { colorScheme: "light", viewport: { width: 1200, height: 800 } }],
  ["dark", { colorScheme: "dark", viewport: { width: 1200, height: 800 } }],
  ["light and narrow", { colorScheme: "light", viewport: { width: 390, height: 780 } }],
  ["dark and narrow", { colorScheme: "dark", viewport: { width: 390, height: 780 } }],
];

test.each(PAGES)(
  "axe finds nothing wrong in an empty page and in an answered chat, %s",
  async (_, options) => {
    const { page, errors } = await openChatPage(browser, told.server.url, options);
    const empty = await findViolations(page);
    told.tell(ANSWER);
    await askTold(page);
    await untilAnswered(page);
    await page.locator(".is-keyword").first().waitFor();
    await page.locator(".katex").first().waitFor();
    await page.locator(".figures button").click();
    await expect.poll(() => page.locator(".figures").innerText()).toMatch(/first\safter.*in\sall/);
    const answered = await findViolations(page);
    await page.getByRole("button", { name: "Wire" }).click();
    await page.locator("#wire").waitFor();
    await page.getByText("Show as code").click();
    told.tell("Once more.");
    await page.fill("#prompt", "Again");
    await page.locator("#prompt").press("Enter");
    await expect.poll(() => page.locator('.answer[data-state="ended"]').count()).toBe(2);
    await page.locator(".wire-frame", { hasText: "message-end" }).last().locator("summary").click();
    const wire = await findViolations(page);
    await page.getByRole("button", { name: "More", exact: true }).click();
    const more = await findViolations(page);
    await page.locator("#more").getByRole("button", { name: "Keys and marks" }).click();
    const help = await findViolations(page);
    expect({ empty, answered, wire, more, help }).toEqual({
      empty: [],
      answered: [],
      wire: [],
      more: [],
      help: [],
    });
    expect(errors).toEqual([]);
    await page.context().close();
  },
);

test("one status speaks at most three times per answer, and the text is in no live region", async () => {
  const { page } = await openChatPage(browser, told.server.url);
  await page.evaluate(() => {
    const spoken: string[] = [];
    Object.assign(globalThis, { spoken });
    // The status of an empty page may give way to the chat's: whichever is there is listened to.
    new MutationObserver(() => {
      const text = document.querySelector('[role="status"]')?.textContent ?? "";
      if (text !== "" && text !== spoken.at(-1)) spoken.push(text);
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  told.tell("word ".repeat(300), { rate: 300 });
  await askTold(page);
  await page.locator(".prose p").first().waitFor();
  const live = await page.evaluate(() =>
    [
      ...document.querySelectorAll('[aria-live], [role="status"], [role="log"], [role="alert"], output'),
    ].filter((region) => region.querySelector(".prose") !== null || region.closest(".answer") !== null),
  );
  expect(live).toEqual([]);
  await untilAnswered(page);
  const last = () => page.evaluate(() => (globalThis as unknown as { spoken: string[] }).spoken);
  await expect.poll(async () => (await last()).at(-1)).toMatch(/^Answer complete, 300 words\.$/);
  expect((await last()).filter((text) => text !== "Sending.").length).toBeLessThanOrEqual(3);
  await page.context().close();
});

test.each([
  { name: "at 320 px", width: 320, zoom: 1 },
  // What the browser's zoom does: half as many pixels for the page.
  { name: "at 200 % zoom", width: 640, zoom: 2 },
])("nothing is scrolled sideways $name", async ({ width, zoom }) => {
  const { page } = await openChatPage(browser, told.server.url, {
    viewport: { width, height: 700 },
    deviceScaleFactor: zoom,
  });
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(await overflow()).toBeLessThanOrEqual(0);
  told.tell(
    `${ANSWER}\n${"unbreakable".repeat(30)} https://example.org/${"long/".repeat(40)}\n\n$$\n${"x + ".repeat(80)} x\n$$\n\n| ${"wide | ".repeat(20)}\n|${"---|".repeat(20)}\n`,
  );
  await askTold(page, "unbreakable".repeat(30));
  await untilAnswered(page);
  await page.locator(".katex-display").waitFor();
  expect(await overflow()).toBeLessThanOrEqual(0);
  await page.context().close();
});

test("text from right to left stands at the right, and code in it at the left", async () => {
  const { page } = await openChatPage(browser, told.server.url);
  told.tell("مرحبا بالعالم\n\nEnglish in between.\n\n- بند\n\n```js\nconst a = 1;\n```\n");
  await askTold(page, "שלום");
  await untilAnswered(page);
  const places = page.locator(".part > p, .prose li > p, .prose code");
  const sides = await places.evaluateAll((elements) =>
    elements.map((element) => {
      const range = document.createRange();
      range.selectNodeContents(element);
      const text = range.getBoundingClientRect();
      const place = element.getBoundingClientRect();
      return text.left - place.left > place.right - text.right ? "right" : "left";
    }),
  );
  expect(sides).toEqual(["right", "left", "right", "left"]);
  expect(await page.locator(".question .text").getAttribute("dir")).toBe("auto");
  expect(await findViolations(page)).toEqual([]);
  await page.context().close();
});
