import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createServer } from "../../src/server.ts";
import { launchBrowser } from "../support/browser.ts";
import { openLivePage } from "../support/live-page.ts";
import { startNginx } from "../support/nginx.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

interface Mounted extends AsyncDisposable {
  url: string;
}

/** Beside the routes of an application, as in `examples/mount-express.ts`. */
async function inExpress(): Promise<Mounted> {
  const millrace = await createServer({ log: "memory", isDev: true, basePath: "/chat", hasPages: true });
  const app = express();
  app.use("/chat", (request, response) => void millrace.handler(request, response));
  const server = createHttpServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    async [Symbol.asyncDispose]() {
      await millrace.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Behind a proxy that takes the path off, of which the server knows nothing; or that hands it on. */
async function behindNginx(basePath: string | undefined): Promise<Mounted> {
  const millrace = await createServer({
    log: "memory",
    isDev: true,
    hasPages: true,
    ...(basePath !== undefined && { basePath }),
  });
  const target = await millrace.listen(0);
  const nginx = await startNginx(
    target,
    "proxy_http_version 1.1; proxy_set_header Host $http_host;",
    basePath === undefined ? { path: "/chat/", to: "/" } : { path: "/chat", to: "" },
  );
  return {
    url: nginx.url,
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]();
      await millrace.close();
    },
  };
}

test.each<[string, () => Promise<Mounted>]>([
  ["mounted in Express", inExpress],
  ["behind nginx, which takes the path off", () => behindNginx(undefined)],
  ["behind nginx, which hands the path on", () => behindNginx("/chat")],
])("under /chat, %s, each page works and asks for nothing outside of it", async (_, mount) => {
  await using mounted = await mount();
  const { page, errors } = await openLivePage(browser, `${mounted.url}/chat/`);
  const outside: string[] = [];
  page.on("request", (request) => {
    const { origin, pathname } = new URL(request.url());
    if (origin !== mounted.url || !/^\/chat(?:\/|$)/.test(pathname)) outside.push(request.url());
  });
  const broken: string[] = [];
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    // A stream that nobody has made yet is asked for, and is none.
    if (response.status() >= 400 && !pathname.startsWith("/chat/v1/streams/")) broken.push(response.url());
  });
  // From the start, with all of its files.
  await page.goto(`${mounted.url}/chat/`);
  const model = page.locator("#model select");
  await model.waitFor();
  const script = await model.locator("option", { hasText: "script" }).first().getAttribute("value");
  await model.selectOption(script);
  await page.fill("#prompt", "tokens=20 rate=100 seed=1");
  await page.locator("#prompt").press("Enter");
  await page.locator('.answer[data-state="ended"]').waitFor();
  expect(new URL(page.url()).pathname).toMatch(/^\/chat\/c\/[a-z0-9]+$/);
  await page.reload();
  await page.locator('.answer[data-state="ended"]').waitFor();

  await page.getByRole("link", { name: "Live feeds" }).click();
  await page.getByRole("heading", { name: "Live feeds" }).waitFor();
  for (const name of ["Notifications", "Scoreboard", "Ticker", "Operations", "Support desk"]) {
    await page.getByRole("navigation", { name: "Live feeds" }).getByRole("link", { name }).click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    await expect.poll(() => page.url()).toMatch(/\/chat\/live\/[a-z]+$/);
  }
  // What is deeper finds its files, too.
  await page.goto(`${mounted.url}/chat/live/support/desk`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.goto(`${mounted.url}/chat/live/notifications`);
  await page.getByRole("button", { name: /Send/ }).first().click();
  await page.locator(".live-main .notif-row").first().waitFor();

  await page.goto(`${mounted.url}/chat/inspect`);
  await page.getByRole("region", { name: /^Readers that/ }).waitFor();
  await page
    .getByRole("link", { name: /^chats\// })
    .first()
    .click();
  await page.locator('.lane[data-kind="written"]').waitFor();
  await page.getByRole("link", { name: "Millrace" }).click();
  await page.locator("#prompt").waitFor();
  expect(new URL(page.url()).pathname).toMatch(/^\/chat\/?$/);
  await page.goto(`${mounted.url}/chat/docs`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  const others = errors.filter((text) => !text.startsWith("Failed to load resource"));
  expect({ outside, broken, others }).toEqual({ outside: [], broken: [], others: [] });
  await page.context().close();
});
