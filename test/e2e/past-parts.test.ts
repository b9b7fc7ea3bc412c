import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { browserBeside } from "../support/browser-beside.ts";
import { longMarkdown } from "../support/long-markdown.ts";
import { askTold, openChatPage, startToldServer, untilAnswered } from "../support/markdown-page.ts";

// What is far from the screen is not drawn. It is still there for whoever looks for it.

const beside = browserBeside(startToldServer);
let page: Page;
beforeAll(async () => {
  const { browser, started: told } = beside;
  ({ page } = await openChatPage(browser, told.server.url, { viewport: { width: 1000, height: 600 } }));
  told.tell(longMarkdown(12_000), { perWrite: 20 });
  await askTold(page, "Long");
  await untilAnswered(page);
});

/** Whether the first part of the answer is left out of what is drawn. */
function isFirstSkipped(): Promise<boolean> {
  return page
    .locator(".part h2")
    .first()
    .evaluate((heading) => !heading.checkVisibility({ contentVisibilityAuto: true }));
}

function countSkipped(): Promise<number> {
  return page
    .locator(".part h2")
    .evaluateAll(
      (headings) => headings.filter((one) => !one.checkVisibility({ contentVisibilityAuto: true })).length,
    );
}

test("the beginning of a long answer is not drawn while its end is read", async () => {
  await expect.poll(isFirstSkipped).toBe(true);
  await expect.poll(countSkipped).toBeGreaterThan(4);
});

test("all of it is selected, and copied", async () => {
  const text = await page.evaluate(() => {
    getSelection()?.selectAllChildren(document.querySelector(".prose") ?? document.body);
    return getSelection()?.toString() ?? "";
  });
  await page.evaluate(() => getSelection()?.removeAllRanges());
  expect(text).toContain("said 1 times before");
  expect(text).toContain("said 12 times before");
});

test("a search in the page finds it and goes there", async () => {
  // `find` is the browser's own search, from the top on.
  const isFound = await page.evaluate(() =>
    (globalThis as unknown as { find: (text: string) => boolean }).find("said 2 times before"),
  );
  expect(isFound).toBe(true);
  await expect
    .poll(() =>
      page.evaluate(() => {
        const { top } = getSelection()?.getRangeAt(0).getBoundingClientRect() ?? { top: -1 };
        return top >= 0 && top < innerHeight;
      }),
    )
    .toBe(true);
  // And the reader stays there.
  await page.locator("#latest").waitFor();
});

test("on paper everything is drawn, and nothing but the messages", async () => {
  // What is selected is drawn, too.
  await page.evaluate(() => {
    getSelection()?.removeAllRanges();
    scrollTo(0, document.documentElement.scrollHeight);
  });
  await expect.poll(isFirstSkipped).toBe(true);
  await page.emulateMedia({ media: "print" });
  await expect.poll(isFirstSkipped).toBe(false);
  for (const selector of [".sidebar", ".bar", ".dock", ".tools"])
    expect(await page.locator(selector).first().isVisible()).toBe(false);
  await page.emulateMedia({ media: "screen" });
});
