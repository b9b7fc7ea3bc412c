import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { startFakeProvider } from "./fake-provider.ts";
import type { FakeAnswer, FakeProvider } from "./fake-provider.ts";
import { startServerProcess } from "./server-process.ts";
import type { ServerProcess } from "./server-process.ts";

/** A server whose one model says what it is told. */
export interface ToldServer extends AsyncDisposable {
  server: ServerProcess;
  provider: FakeProvider;
  /** Says what the next answer is, cut into tokens of four characters. */
  tell: (text: string, options?: Partial<FakeAnswer>) => void;
}

export interface ChatPage {
  page: Page;
  /** What the console and the page's policy complained of. */
  errors: string[];
  /** Addresses that were asked for outside of the page's origin. */
  strays: string[];
}

export async function startToldServer(): Promise<ToldServer> {
  const provider = await startFakeProvider();
  const server = await startServerProcess({
    env: { OPENAI_API_KEY: "fake", OPENAI_BASE_URL: provider.baseUrl },
  });
  return {
    server,
    provider,
    tell: (text, options) => provider.next({ type: "answer", tokens: cut(text), ...options }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await provider.close();
    },
  };
}

/** Opens the page, and listens to what it should never do. */
export async function openChatPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<ChatPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  const strays: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) strays.push(request.url());
  });
  await page.goto(url);
  return { page, errors, strays };
}

/** Leaves the chat for a new one. A chat without a name is called so in the list, too. */
export async function openNewChat(page: Page): Promise<void> {
  await page.locator(".sidebar .new").click();
}

export async function askTold(page: Page, text = "Tell me"): Promise<void> {
  await page.locator("#model select").selectOption("fake-model");
  await page.fill("#prompt", text);
  await page.locator("#prompt").press("Enter");
}

export async function untilAnswered(page: Page): Promise<void> {
  await page.locator('.answer[data-state="ended"]').last().waitFor();
}

function cut(text: string): string[] {
  return text.match(/.{1,4}/gsu) ?? [];
}
