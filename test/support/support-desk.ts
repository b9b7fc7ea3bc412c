import type { Browser, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { browserBeside } from "./browser-beside.ts";
import { openLivePage } from "./live-page.ts";
import type { LivePage } from "./live-page.ts";
import { startServerProcess } from "./server-process.ts";

/** The support desk of a server without a demo, and a browser for its pages. */
export interface SupportDesk {
  readonly browser: Browser;
  readonly url: string;
  /** Opens the agents' side, in a browser of its own. */
  openDesk: (path?: string) => Promise<LivePage>;
  /** Opens a ticket on the customer's side, in a browser of its own; resolves when the list says so. */
  ask: (subject: string) => Promise<LivePage & { key: string }>;
}

/** Starts both before the tests of a file; they are gone after the last. */
export function supportDesk(): SupportDesk {
  const beside = browserBeside(() => startServerProcess({ args: ["--log", "memory"] }));
  const open = (path: string) => openLivePage(beside.browser, `${beside.started.url}/live/support${path}`);
  return {
    get browser() {
      return beside.browser;
    },
    get url() {
      return beside.started.url;
    },
    openDesk: (path = "") => open(`/desk${path}`),
    async ask(subject) {
      const opened = await open("");
      return { ...opened, key: await openTicket(opened.page, subject) };
    },
  };
}

async function openTicket(page: Page, subject: string): Promise<string> {
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("What it is about").fill(subject);
  await page.getByLabel("What has happened").fill(`${subject}, since Monday.`);
  await page.getByRole("button", { name: "Open the ticket" }).click();
  await page.locator(".support-message").waitFor();
  const list = new URL("/v1/streams/support/tickets", page.url()).href;
  await expect.poll(async () => (await page.request.get(list)).text()).toContain(subject);
  return new URL(page.url()).pathname.split("/").at(-1) ?? "";
}

/** Who types, as the other side is told. */
export function typing(page: Page): Promise<string> {
  return page.locator(".support-typing").innerText();
}

/** The box to answer in. */
export function reply(page: Page): Locator {
  return page.getByLabel("Reply");
}

/** Closes pages that had nothing to complain of, and asked nobody else. */
export async function closeQuiet(...pages: LivePage[]): Promise<void> {
  for (const { page, errors, foreign } of pages) {
    expect({ errors, foreign }).toEqual({ errors: [], foreign: [] });
    await page.context().close();
  }
}
