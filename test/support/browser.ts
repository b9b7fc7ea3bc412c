import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";

/** Starts Debian's Chromium. Whoever starts it closes it; closing waits until its process is gone. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
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
