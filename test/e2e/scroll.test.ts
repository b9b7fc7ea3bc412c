import type { Page } from "playwright-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { browserBeside } from "../support/browser-beside.ts";
import { longMarkdown } from "../support/long-markdown.ts";
import { askTold, openChatPage, startToldServer, untilAnswered } from "../support/markdown-page.ts";

const beside = browserBeside(startToldServer);
let page: Page;

const TEXT = longMarkdown(6_000);

/** A page on which an answer has grown beyond the window, and goes on growing. */
beforeEach(async () => {
  ({ page } = await openChatPage(beside.browser, beside.started.server.url, {
    viewport: { width: 1000, height: 600 },
    hasTouch: true,
  }));
  beside.started.tell(TEXT, { rate: 150 });
  await askTold(page, "Long");
  await expect.poll(() => height()).toBeGreaterThan(1_400);
});
afterEach(() => page.context().close());

function height(): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollHeight);
}

function fromEnd(): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollHeight - innerHeight - scrollY);
}

/** Every place at which the page stands in the frames while the answer grows by so much. */
function placesWhileItGrows(pixels: number): Promise<number[]> {
  return page.evaluate(
    (pixels) =>
      new Promise<number[]>((resolve) => {
        const seen = new Set<number>();
        const end = document.documentElement.scrollHeight + pixels;
        const look = () => {
          seen.add(scrollY);
          if (document.documentElement.scrollHeight >= end) resolve([...seen]);
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }),
    pixels,
  );
}

/** Lets the browser scroll, and end that. */
async function settle(): Promise<void> {
  let last = -1;
  await expect
    .poll(
      async () => {
        const former = last;
        last = await page.evaluate(() => scrollY);
        return last === former;
      },
      { interval: 50 },
    )
    .toBe(true);
}

test.each([
  {
    name: "the wheel",
    move: async () => {
      await page.mouse.move(500, 300);
      await page.mouse.wheel(0, -120);
    },
  },
  {
    name: "the keyboard",
    move: async () => {
      await page.locator("article.question").focus();
      await page.keyboard.press("PageUp");
    },
  },
  {
    name: "a finger",
    move: async () => {
      const cdp = await page.context().newCDPSession(page);
      const touch = (type: "touchStart" | "touchMove" | "touchEnd", y?: number) =>
        cdp.send("Input.dispatchTouchEvent", {
          type,
          touchPoints: y === undefined ? [] : [{ x: 500, y }],
        });
      await touch("touchStart", 200);
      for (let y = 210; y <= 350; y += 10) await touch("touchMove", y);
      await touch("touchEnd");
    },
  },
  {
    // As the bar does, and a search in the page: a scroll that no event announces.
    name: "the bar",
    move: async () => {
      await page.evaluate(() => scrollBy(0, -200));
    },
  },
])(
  "whoever scrolls up with $name stays there to the pixel, and goes back to the end when wanted",
  async ({ move }) => {
    await expect.poll(fromEnd).toBeLessThanOrEqual(1);
    await move();
    await settle();
    expect(await placesWhileItGrows(300)).toHaveLength(1);
    const latest = page.locator("#latest");
    await expect.poll(() => latest.innerText()).toMatch(/^Latest\s+\d+ new$/);
    await latest.click();
    await expect.poll(fromEnd).toBeLessThanOrEqual(1);
    await placesWhileItGrows(200);
    await expect.poll(fromEnd).toBeLessThanOrEqual(1);
    await expect.poll(() => latest.count()).toBe(0);
  },
);

test("back at the end by hand, the page follows again", async () => {
  await page.mouse.move(500, 300);
  await page.mouse.wheel(0, -240);
  await page.locator("#latest").waitFor();
  await page.mouse.wheel(0, 5_000);
  await expect.poll(() => page.locator("#latest").count()).toBe(0);
  await placesWhileItGrows(200);
  await expect.poll(fromEnd).toBeLessThanOrEqual(1);
});

test.each([
  { name: "the wheel", move: () => page.mouse.wheel(0, 5_000) },
  { name: "the key", move: () => page.keyboard.press("End") },
])("by $name the page comes to an end that has gone on before the page has moved", async ({ move }) => {
  await page.mouse.move(500, 300);
  await page.mouse.wheel(0, -240);
  await page.locator("#latest").waitFor();
  // The browser scrolls to the end that it knows, while the page has no time to hear of it.
  const moved = page.evaluate(async () => {
    const until = performance.now() + 500;
    while (performance.now() < until);
    document.body.style.paddingBottom = "200px";
  });
  await move();
  await moved;
  await expect.poll(() => page.locator("#latest").count()).toBe(0);
  await expect.poll(fromEnd).toBeLessThanOrEqual(1);
});

test("what was selected stays selected until the answer is over", async () => {
  const selected = await page
    .locator(".prose p")
    .first()
    .evaluate((paragraph) => {
      getSelection()?.selectAllChildren(paragraph);
      return String(getSelection());
    });
  expect(selected).toContain("A paragraph with strong");
  await untilAnswered(page);
  expect(await page.evaluate(() => String(getSelection()))).toBe(selected);
});
