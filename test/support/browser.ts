import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";

export interface BrowserOptions {
  /** Keeps pages that were left, as a person's browser does. Playwright turns that off. Default false. */
  hasBackForwardCache?: boolean;
}

/** Starts Debian's Chromium. Whoever starts it closes it; closing waits until its process is gone. */
export function launchBrowser({ hasBackForwardCache = false }: BrowserOptions = {}): Promise<Browser> {
  return chromium.launch({
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
}
