import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { launchBrowser } from "./browser.ts";

/** A browser, and what was started beside it. */
export interface BrowserBeside<Started> {
  readonly browser: Browser;
  readonly started: Started;
}

/** Starts a browser and something beside it, such as a server, before the tests of a file; both are gone after the last.
 *  Errors: what is asked for before the first test is not there. */
export function browserBeside<Started extends AsyncDisposable>(
  start: () => Promise<Started>,
): BrowserBeside<Started> {
  let both: BrowserBeside<Started> | undefined;
  beforeAll(async () => {
    const [browser, started] = await Promise.all([launchBrowser(), start()]);
    both = { browser, started };
  });
  afterAll(async () => {
    await both?.browser.close();
    await both?.started[Symbol.asyncDispose]();
  });
  const get = (): BrowserBeside<Started> => {
    if (both === undefined) throw new Error("the browser is there when the tests run");
    return both;
  };
  return {
    get browser() {
      return get().browser;
    },
    get started() {
      return get().started;
    },
  };
}
