import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { bundle } from "./bundle.ts";

/** A tab with a client on the bare origin, without a page of ours in between. */
export interface Tab {
  page: Page;
  cdp: CDPSession;
  /** When this tab opened event connections, in Unix milliseconds. */
  readonly connections: readonly number[];
  /** The shown texts, or that of the last answer. */
  texts(): Promise<string[]>;
  answer(): Promise<string>;
  send(text: string): Promise<boolean>;
  stop(): Promise<boolean>;
  counts(): Promise<{ gaps: number; doubles: number }>;
  /** Calls back at each change of the answer with its length and the time, which is the same clock for all tabs. */
  trace(): Promise<{ length: number; at: number }[]>;
}

/** Lets each page of a context have a client that follows one chat. */
export async function prepareTabs(context: BrowserContext, chat: string): Promise<void> {
  const code = await bundle("client/index.ts");
  // A page that the browser shows as JSON has no scripts of its own.
  await context.addInitScript({
    content: `${code}
      if (location.protocol.startsWith("http")) {
        window.millrace = millrace;
        window.client = millrace.createClient();
        const store = window.client.chat(${JSON.stringify(chat)});
        window.traced = [];
        const textOf = () => store.getSnapshot().path.findLast((step) => step.message.role === "assistant")?.message.text ?? "";
        store.subscribe(() => window.traced.push({ length: textOf().length, at: Date.now() }));
        window.client.chats.subscribe(() => {});
        window.store = store;
        window.textOf = textOf;
      }`,
  });
}

export async function openTab(context: BrowserContext, url: string): Promise<Tab> {
  const page = await context.newPage();
  const connections: number[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/v1/streams") connections.push(Date.now());
  });
  await page.goto(`${url}/healthz`);
  return {
    page,
    cdp: await context.newCDPSession(page),
    connections,
    texts: () => page.evaluate("store.getSnapshot().path.map((step) => step.message.text)"),
    answer: () => page.evaluate("textOf()"),
    send: (text) => page.evaluate(`store.send(${JSON.stringify(text)})`),
    stop: () => page.evaluate("store.stop()"),
    counts: () => page.evaluate("({ ...client.source.counts })"),
    trace: () => page.evaluate("traced"),
  };
}
