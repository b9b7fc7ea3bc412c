import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { createClient } from "../../src/client/client.ts";
import type { withTicket } from "../../src/client/renewal.ts";
import { changeKeys, createKey } from "../../src/server.ts";
import type { Scope } from "../../src/server.ts";
import { launchBrowser } from "../support/browser.ts";
import { bundle } from "../support/bundle.ts";
import { freePort, startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

let browser: Browser;
let server: ServerProcess;
let data: string;
let key: string;
/** A page of another origin, and its own server, which gets tickets and tokens for it. */
let site: Server;
let origin: string;
let tickets: number;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "millrace-sign-in-"));
  key = await makeKey("ada", ["run", "read:*", "append:*"]);
  const sitePort = await freePort();
  origin = `http://127.0.0.1:${sitePort}`;
  const code = `${await bundle("client/index.ts")}\n${await bundle("client/renewal.ts", "renewal")}`;
  tickets = 0;
  site = createServer((request, response) => {
    if (request.method !== "POST") {
      const isScript = request.url === "/client.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? code : "<!doctype html><script src=/client.js></script>");
      return;
    }
    void readText(request).then(async (streams) => {
      tickets += 1;
      response.end(await getTicket(JSON.parse(streams) as string[]));
    });
  });
  await new Promise<void>((resolve) => site.listen(sitePort, "127.0.0.1", resolve));
  [browser, server] = await Promise.all([
    launchBrowser({ hasBackForwardCache: true }),
    startServerProcess({ dataDir: data, args: ["--allowed-origin", origin] }),
  ]);
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
  site.closeAllConnections();
  await new Promise((resolve) => site.close(resolve));
  await rm(data, { recursive: true, force: true });
});

async function makeKey(person: string, scopes: readonly Scope[]): Promise<string> {
  const { text, record } = await createKey({ name: person, person, scopes }, Date.now());
  await changeKeys(join(data, "keys.json"), (keys) =>
    Promise.resolve({ keys: [...keys, record], result: undefined }),
  );
  return text;
}

async function openMore(page: Page): Promise<void> {
  await page.getByRole("button", { name: "More", exact: true }).click();
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += String(piece);
  return text;
}

async function post<T>(path: string, body: object): Promise<T> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

async function getTicket(streams: string[]): Promise<string> {
  // Short, since what follows outlives several; long enough to be used on a machine that is busy.
  return (await post<{ ticket: string }>("/v1/tickets", { streams, seconds: 4 })).ticket;
}

test("who gives a key in the page is signed in by a cookie that no script sees, and chats; a sign-out empties all tabs", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.url);
  const status = page.locator("#status");
  await expect.poll(() => status.innerText()).toContain("You are signed out");
  await page.getByRole("button", { name: "Sign in" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Your key").fill("mr_wrong");
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await expect.poll(() => dialog.getByRole("alert").innerText()).toContain("This key is not taken");
  await dialog.getByLabel("Your key").fill(key);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await expect.poll(() => page.locator("#model select").count()).toBe(1);

  await page.locator("#model select").selectOption("script");
  await page.fill("#prompt", "tokens=5 rate=100");
  await page.locator("#prompt").press("Enter");
  await page.locator('.answer[data-state="ended"]').waitFor();
  expect(await page.evaluate("document.cookie")).toBe("");
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ name: "millrace_session", httpOnly: true, sameSite: "Strict" });
  expect(cookie?.value).not.toContain(key);

  // It is the chat of who wrote it: another person with the address sees none.
  const address = page.url();
  const other = await browser.newContext();
  const theirs = await other.newPage();
  const bob = await makeKey("bob", ["run"]);
  await expect
    .poll(async () => (await other.request.post(`${server.url}/v1/session`, { data: { key: bob } })).status())
    .toBe(201);
  await theirs.goto(address);
  await expect.poll(() => theirs.locator("body").innerText()).toContain("There is no such chat.");
  expect(await theirs.locator(".answer").count()).toBe(0);
  await other.close();

  // The other tab shows it too, and so does one under another address of the page.
  const [tab, away, live] = [await context.newPage(), await context.newPage(), await context.newPage()];
  for (const one of [tab, away]) {
    await one.goto(address);
    await one.locator('.answer[data-state="ended"]').waitFor({ timeout: 60_000 });
  }
  await away.goto(origin);
  await live.goto(`${server.url}/live`);
  await openMore(page);
  const item = page.locator("#more").getByRole("button", { name: "Sign out" });
  // It stands there once the server was asked, which must not be the call that fails.
  await item.waitFor();
  await page.route("**/v1/session", (route) => route.abort());
  await item.click();
  await expect
    .poll(() => page.locator("#more").getByRole("alert").innerText(), { timeout: 60_000 })
    .toContain("you are still signed in");
  await page.unroute("**/v1/session");
  const reloaded = live.waitForEvent("load");
  await item.click();
  for (const one of [page, tab]) {
    await expect
      .poll(() => one.locator("#status").innerText(), { timeout: 60_000 })
      .toContain("You are signed out");
    await one.getByRole("button", { name: "Sign in" }).waitFor();
    expect(await one.locator(".answer").count()).toBe(0);
  }
  await reloaded;
  expect(await context.cookies()).toEqual([]);
  // One that the browser had put away is shown again, and begins anew as well.
  await away.goBack();
  await expect
    .poll(() => away.locator("#status").innerText(), { timeout: 60_000 })
    .toContain("You are signed out");
  expect(await away.locator(".answer").count()).toBe(0);
  const asked = page.waitForResponse((response) => response.url().endsWith("/v1/session"));
  await openMore(page);
  await asked;
  expect(await item.count()).toBe(0);
  await context.close();
});

test("an EventSource whose ticket is over again and again gets another one each time, and the text is whole", async () => {
  const { run, stream } = await post<{ run: string; stream: string }>("/v1/runs", {
    prompt: "tokens=20000 rate=30 seed=3",
    model: "script",
  });
  const page = await browser.newPage();
  const sources: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/v1/streams?")) sources.push(request.resourceType());
  });
  await page.goto(origin);
  await page.evaluate(
    ([url, name]) => {
      const { millrace, renewal } = globalThis as unknown as {
        millrace: { createClient: typeof createClient };
        renewal: { withTicket: typeof withTicket };
      };
      const text: string[] = [];
      const client = millrace.createClient(
        renewal.withTicket({
          url,
          getTicket: async (streams) =>
            (await fetch("/ticket", { method: "POST", body: JSON.stringify(streams) })).text(),
        }),
      );
      client.source.follow(name, {
        kind: "chat",
        onDelivery(delivery) {
          if (delivery.type === "event" && delivery.event["type"] === "text-delta")
            text.push(String(delivery.event["text"]));
          if (delivery.type === "end") Object.assign(globalThis, { whole: text.join("") });
        },
      });
      Object.assign(globalThis, { counts: client.source.counts });
    },
    [server.url, stream] as const,
  );
  // It goes on until the third has been read with.
  await expect.poll(() => sources.length).toBeGreaterThanOrEqual(3);
  await post(`/v1/runs/${run}/stop`, {});
  await expect.poll(() => page.evaluate("globalThis.whole")).toBeTypeOf("string");
  const answer = await fetch(`${server.url}/v1/runs/${run}`, { headers: { authorization: `Bearer ${key}` } });
  expect(await page.evaluate("globalThis.whole")).toBe(((await answer.json()) as { text: string }).text);
  expect(await page.evaluate("counts")).toMatchObject({ gaps: 0, doubles: 0 });
  expect(tickets).toBeGreaterThanOrEqual(3);
  // Each connection had a ticket of its own that held: none was refused on the way.
  expect(new Set(sources)).toEqual(new Set(["eventsource"]));
  await page.close();
});
