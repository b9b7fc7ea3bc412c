import { expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { startFakeProvider } from "../support/fake-provider.ts";
import { askTold, openChatPage, untilAnswered } from "../support/markdown-page.ts";
import { startServerProcess } from "../support/server-process.ts";

test("the model names a new chat after its first answer: in the list, in the tab, and for one call", async () => {
  const provider = await startFakeProvider({
    respond: ({ body }) => ({
      type: "answer",
      tokens: body?.messages[0]?.content.includes("title") ? ["Rivers ", "uphill"] : ["They ", "do not."],
    }),
  });
  await using server = await startServerProcess({
    asksForTitles: true,
    env: { OPENAI_BASE_URL: provider.baseUrl },
  });
  await expect.poll(() => server.output()).toContain("--no-titles leaves that out");
  const browser = await launchBrowser();
  try {
    const { page } = await openChatPage(browser, server.url);
    await askTold(page, "Please tell me whether a river can run uphill");
    await untilAnswered(page);
    await expect.poll(() => page.title()).toBe("Rivers uphill · Millrace");
    await page.locator(".chats li", { hasText: "Rivers uphill" }).waitFor();
    await page.fill("#prompt", "And downhill?");
    await page.locator("#prompt").press("Enter");
    await expect.poll(() => page.locator('.answer[data-state="ended"]').count()).toBe(2);
    expect(provider.calls.filter(({ path }) => path.endsWith("/chat/completions"))).toHaveLength(3);
  } finally {
    await browser.close();
    await provider.close();
  }
});
