import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";

export interface BrowserOptions {
  /** Keeps pages that were left, as a person's browser does. Playwright turns that off. Default false. */
  hasBackForwardCache?: boolean;
}

/** As long as `expect.poll` waits here. */
const TIMEOUT_MS = 60_000;

/** Starts Debian's Chromium. Whoever starts it closes it; closing waits until its process is gone. */
export async function launchBrowser({ hasBackForwardCache = false }: BrowserOptions = {}): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    ...(hasBackForwardCache && { ignoreDefaultArgs: ["--disable-back-forward-cache"] }),
    args: [
      "--headless",
      // Chromium refuses to run as root inside its sandbox; the pages are our own.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      // Nothing of its own on the network: only what the test asks for.
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const newContext = browser.newContext.bind(browser);
  // `newPage` of a browser makes its context by this, too.
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(TIMEOUT_MS);
    return context;
  };
  return browser;
}
