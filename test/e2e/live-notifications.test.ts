import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { openLivePage, overflowOf } from "../support/live-page.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const STREAM = "notifications/local";

let browser: Browser;
let server: ServerProcess;
let contexts: BrowserContext[];
/** What the pages have complained of. */
let errors: string[];
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  server = await startServerProcess({ args: ["--log", "memory"] });
  contexts = [];
  errors = [];
});
afterEach(async () => {
  for (const context of contexts) await context.close();
  await server[Symbol.asyncDispose]();
  expect(errors).toEqual([]);
});

/** A browser of its own. */
async function openBrowser(): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  contexts.push(context);
  return context;
}

async function openTab(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage();
  page.on("console", (message) => {
    const isBad = message.type() === "error" || message.type() === "warning";
    // A tab that does not lead asks for a stream that does not exist yet, which the browser notes down.
    if (isBad && !message.text().includes("404")) errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(server.url + path);
  // The bell is loaded after the page, and tells of what comes once its stream is read.
  await page.locator(".bell-toasts").waitFor({ state: "attached" });
  return page;
}

/** As a user would: with the command. */
async function publish(event: object): Promise<void> {
  const args = [MAIN, "publish", STREAM, JSON.stringify(event), "--url", server.url];
  await promisify(execFile)(process.execPath, args);
}

async function post(events: object, stream = STREAM): Promise<void> {
  const response = await fetch(`${server.url}/v1/streams/${stream}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  expect(response.status).toBe(201);
}

const count = async (page: Page) => (await page.locator(".bell-count").allInnerTexts()).join("");
const titles = (page: Page, within = ".live-main") =>
  page.locator(`${within} .notif-title`).allTextContents();
const toasts = (page: Page) => page.locator(".bell-toast .notif-title").allInnerTexts();

async function allCount(pages: readonly Page[], expected: string): Promise<void> {
  await expect.poll(() => Promise.all(pages.map(count))).toEqual(pages.map(() => expected));
}

test("what is published from the command line is counted in all tabs of all browsers, and what is read in one is read in all", async () => {
  const [one, two] = [await openBrowser(), await openBrowser()];
  const pages = [
    await openTab(one, "/live/notifications"),
    await openTab(one, "/"),
    await openTab(one, "/live/scoreboard"),
    await openTab(two, "/"),
    await openTab(two, "/live/notifications"),
  ];
  const [list, chat, , other, otherList] = pages as [Page, Page, Page, Page, Page];
  await list.locator(".nothing").waitFor();
  await publish({ title: "Build 42 failed", text: "2 of 618 tests", topic: "builds" });
  await publish({ title: "Ada mentioned you", topic: "mentions" });
  await allCount(pages, "2");
  await expect.poll(() => titles(list)).toEqual(["Ada mentioned you, unread", "Build 42 failed, unread"]);
  await expect.poll(() => chat.title()).toBe("(2) Millrace");
  await expect.poll(() => list.title()).toBe("(2) Notifications · Millrace");

  await list.getByRole("button", { name: "Mark read: Build 42 failed" }).last().click();
  await allCount(pages, "1");
  await expect.poll(() => titles(otherList)).toEqual(["Ada mentioned you, unread", "Build 42 failed"]);
  // From the bell of a chat, on the other device.
  await other.locator(".bell").click();
  await other.getByRole("button", { name: "Mark all read" }).click();
  await allCount(pages, "");
  await expect.poll(() => chat.title()).toBe("Millrace");
  await publish({ title: "Build 43 passed", topic: "builds" });
  await allCount(pages, "1");

  for (const page of [list, other]) await page.reload();
  await allCount(pages, "1");
  await expect
    .poll(() => titles(list))
    .toEqual(["Build 43 passed, unread", "Ada mentioned you", "Build 42 failed"]);
});

test("a muted topic rings no bell in any tab, is still listed, and can be unmuted", async () => {
  const context = await openBrowser();
  const pages = [await openTab(context, "/live/notifications"), await openTab(context, "/live/scoreboard")];
  const [list, board] = pages as [Page, Page];
  await post([
    { title: "one", topic: "builds" },
    { title: "two", topic: "mentions" },
  ]);
  await expect.poll(() => toasts(board)).toEqual(["one", "two"]);
  await allCount(pages, "2");
  await list.getByRole("button", { name: "Mute builds" }).click();
  await allCount(pages, "1");
  await post({ title: "three", topic: "builds" });
  await post({ title: "four", topic: "mentions" });
  await expect.poll(() => toasts(board)).toContain("four");
  expect(await toasts(board)).not.toContain("three");
  await allCount(pages, "2");
  await expect.poll(() => titles(list)).toEqual(["four, unread", "three", "two, unread", "one"]);
  await list.getByRole("button", { name: "Unmute builds" }).click();
  await allCount(pages, "4");
});

test("toasts are for what comes while one looks: none for what was there, few at once, and then one for all", async () => {
  await post({ title: "was there" });
  const context = await openBrowser();
  const page = await openTab(context, "/");
  await expect.poll(() => count(page)).toBe("1");
  await post({ title: "came", href: "/live/ticker" });
  await expect.poll(() => toasts(page)).toEqual(["came"]);
  await page.locator(".bell-toast").getByRole("button", { name: "Close" }).click();
  await expect.poll(() => toasts(page)).toEqual([]);
  for (const title of ["a", "b", "c"]) await post({ title });
  await expect.poll(() => toasts(page)).toEqual(["a", "b", "c"]);
  for (const title of ["d", "e"]) await post({ title });
  await expect.poll(() => toasts(page)).toEqual(["5 new notifications"]);
  await page.reload();
  await expect.poll(() => count(page)).toBe("7");
  expect(await toasts(page)).toEqual([]);
  // Followed, it is read.
  await post({ title: "leads on", href: "/live/ticker" });
  await page.locator(".bell-toast a").click();
  await page.waitForURL("**/live/ticker");
  await expect.poll(() => count(page)).toBe("7");
});

test("what is missed while the connection is away is told when it is back", async () => {
  await post({ title: "was there" });
  await using proxy = await startCuttingProxy({ target: Number(new URL(server.url).port) });
  const page = await (await openBrowser()).newPage();
  await page.goto(`http://127.0.0.1:${proxy.port}/live/scoreboard`);
  await expect.poll(() => count(page)).toBe("1");
  proxy.setRefusing(true);
  proxy.cutAll();
  await post({ title: "missed" });
  proxy.setRefusing(false);
  await expect.poll(() => toasts(page)).toEqual(["missed"]);
  await expect.poll(() => count(page)).toBe("2");
});

/** A page that can be hidden, in which the browser's own notifications are only noted down. */
async function prepareHidden(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const asked: string[] = [];
    const told: { title: string; body: string | undefined }[] = [];
    class FakeNotification extends EventTarget {
      static permission = localStorage.getItem("permission") ?? "default";
      static requestPermission() {
        asked.push("asked");
        localStorage.setItem("permission", "granted");
        FakeNotification.permission = "granted";
        return Promise.resolve("granted");
      }
      constructor(title: string, options?: NotificationOptions) {
        super();
        told.push({ title, body: options?.body });
      }
      close() {}
    }
    let state = "visible";
    Object.defineProperty(document, "visibilityState", { get: () => state });
    Object.assign(globalThis, {
      Notification: FakeNotification,
      asked,
      told,
      look(isVisible: boolean) {
        state = isVisible ? "visible" : "hidden";
        document.dispatchEvent(new Event("visibilitychange"));
      },
    });
  });
}
const look = (page: Page, isVisible: boolean) => page.evaluate(`look(${isVisible})`);
const told = (page: Page) => page.evaluate("told") as Promise<{ title: string; body?: string }[]>;

test("hidden, one tab of a browser announces what comes, together; while one is looked at, none does", async () => {
  const context = await openBrowser();
  await prepareHidden(context);
  const list = await openTab(context, "/live/notifications");
  const tabs = [list, await openTab(context, "/"), await openTab(context, "/live/scoreboard")];
  for (const tab of tabs) await look(tab, false);
  await post({ title: "before it was asked for" });
  await allCount(tabs, "1");
  expect(await Promise.all(tabs.map((tab) => tab.evaluate("asked.length")))).toEqual([0, 0, 0]);
  expect((await Promise.all(tabs.map(told))).flat()).toEqual([]);

  await look(list, true);
  await list.getByLabel(/Let the browser announce/).check();
  expect(await list.evaluate("asked.length")).toBe(1);
  // The others learn of the permission as a real browser tells them: it is one of the origin.
  for (const tab of tabs) await tab.evaluate("Notification.permission = 'granted'");
  await post({ title: "while one looks" });
  await allCount(tabs, "2");
  expect((await Promise.all(tabs.map(told))).flat()).toEqual([]);

  await look(list, false);
  const all = async () => (await Promise.all(tabs.map(told))).flat();
  await post({ title: "one" });
  await expect.poll(all).toEqual([{ title: "one" }]);
  await post([{ title: "two" }, { title: "three" }]);
  await expect.poll(all).toHaveLength(2);
  expect(await all()).toContainEqual({ title: "3 new notifications", body: "one\ntwo\nthree" });
  await allCount(tabs, "5");
  expect(await toasts(list)).toEqual([]);
});

test("10,000 at once: the page goes on, shows some, counts what it keeps, and one press reads them", async () => {
  const context = await openBrowser();
  const list = await openTab(context, "/live/notifications");
  const board = await openTab(context, "/live/scoreboard");
  await list.locator(".nothing").waitFor();
  for (let from = 0; from < 10_000; from += 1_000)
    await post(Array.from({ length: 1_000 }, (_, at) => ({ title: `n${from + at + 1}`, topic: "flood" })));
  await expect.poll(() => list.locator(".notif-unread").innerText()).toBe("1,000+ unread");
  await expect.poll(() => titles(list).then(([first]) => first)).toBe("n10000, unread");
  await expect.poll(() => list.locator(".live-main .notif-row").count()).toBe(50);
  await expect.poll(() => board.locator(".bell-toast").count()).toBe(1);
  await list.getByRole("button", { name: "Show 50 more of 950" }).click();
  await expect.poll(() => list.locator(".live-main .notif-row").count()).toBe(100);
  await allCount([list, board], "99+");
  await list.getByRole("button", { name: "Mark all read" }).last().click();
  await allCount([list, board], "");
  await board.reload();
  await allCount([list, board], "");
});

test("the empty page says the command that fills it, and the button sends one; what is odd is shown, and leads nowhere", async () => {
  const page = await openTab(await openBrowser(), "/live/notifications");
  await page.locator(".nothing").waitFor();
  const command = await page.locator(".publish code").innerText();
  await promisify(execFile)("sh", ["-c", command]);
  await expect.poll(() => titles(page)).toEqual(["Build 42 failed, unread"]);
  await page.getByRole("button", { name: "Send yourself one" }).click();
  await expect.poll(() => titles(page)).toHaveLength(2);
  await post({ title: "<b>x</b>", href: "javascript:alert(1)" });
  await post({ what: "odd" });
  await expect.poll(() => titles(page)).toHaveLength(4);
  expect((await titles(page)).slice(0, 2)).toEqual(["Without a title, unread", "<b>x</b>, unread"]);
  expect(await page.locator(".notif-title a, .notif-title b").count()).toBe(0);
});

test("nothing is scrolled sideways at 320 px", async () => {
  await post({ title: "x".repeat(200), text: "y".repeat(900), topic: "z".repeat(60) });
  const { page } = await openLivePage(browser, `${server.url}/live/notifications`, {
    viewport: { width: 320, height: 700 },
  });
  contexts.push(page.context());
  await page.locator(".live-main .notif-row").waitFor();
  expect(await overflowOf(page)).toBeLessThanOrEqual(0);
  await page.locator(".bell").click();
  await page.locator(".bell-list .notif-row").waitFor();
  expect(await overflowOf(page)).toBeLessThanOrEqual(0);
});
