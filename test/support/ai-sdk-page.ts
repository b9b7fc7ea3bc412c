import type { BrowserContext, Page } from "playwright-core";
import { bundleExample } from "./bundle.ts";

/** The versions of the AI SDK's hook, and what each is called here. */
export const HOOKS = [
  { version: 3, ai: 6, package: "@ai-sdk/react" },
  { version: 4, ai: 7, package: "ai-sdk-react-4" },
];

/** Bundles an example that shows a chat with `useChat`, for a page of the server's own origin; strict, in React's `StrictMode`. */
export function bundleChat(example: string, hook: string, { isStrict = false } = {}): Promise<string> {
  const alias = {
    "millrace/ai-sdk": new URL("../../src/ai-sdk/index.ts", import.meta.url).pathname,
    "@ai-sdk/react": hook,
  };
  if (!isStrict) return bundleExample(example, alias);
  const strict = new URL("strict-root.ts", import.meta.url).pathname;
  return bundleExample(example, { ...alias, "react-dom/client": strict }, "development");
}

/** Opens a page with a chat, whose name stands in its address. */
export async function openChat(
  context: BrowserContext,
  { url, script, id }: { url: string; script: string; id: string },
): Promise<Page> {
  const page = await context.newPage();
  await page.route(`${url}/mine?*`, (route) =>
    route.fulfill({
      contentType: "text/html",
      body: '<!doctype html><div id="root"></div><script src="/mine.js"></script>',
    }),
  );
  const show = 'window.hide = example.showChat(root, new URLSearchParams(location.search).get("id"));';
  await page.route(`${url}/mine.js`, (route) =>
    route.fulfill({ contentType: "text/javascript", body: `${script}\n${show}` }),
  );
  await page.goto(`${url}/mine?id=${encodeURIComponent(id)}`);
  await page.locator("main").waitFor();
  return page;
}

export async function sendText(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** What is shown: each message's text, in order. */
export const shownTexts = (page: Page): Promise<string[]> => page.locator("main p").allTextContents();
export const shownStatus = (page: Page): Promise<string | null> =>
  page.locator("main").getAttribute("data-status");
