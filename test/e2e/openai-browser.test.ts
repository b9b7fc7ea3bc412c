import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { launchBrowser } from "../support/browser.ts";
import { bundleExample } from "../support/bundle.ts";

let browser: Browser;
let app: TestServer;
let millrace: string;
let script: string;
/** The script, with another model to ask. */
let asking: string;
/** The other example. */
let tools: string;
beforeAll(async () => {
  [browser, app, script, tools] = await Promise.all([
    launchBrowser(),
    startApp(),
    bundleExample("openai-browser.ts", { openai: "openai-7" }),
    bundleExample("openai-tools.ts", { openai: "openai-7" }),
  ]);
  asking = script.replace(/(["'`])guide\1/, '"told"');
  millrace = await app.server.listen(0);
});
afterAll(async () => {
  await browser.close();
  await app[Symbol.asyncDispose]();
});

/** The example in a page of the server's own origin. */
async function openPage(content = asking): Promise<Page> {
  const page = await browser.newPage();
  await page.route(`${millrace}/mine`, (route) =>
    route.fulfill({ contentType: "text/html", body: '<p id="output"></p><b>marked</b>' }),
  );
  await page.goto(`${millrace}/mine`);
  await page.addScriptTag({ content });
  return page;
}

test("the package that is bundled is version 7", () => {
  const url = new URL("../../node_modules/openai-7/package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(url, "utf8")) as { version: string };
  expect(version).toMatch(/^7\./);
  expect(script).toContain(version);
});

test("openai 7 in a page shows an answer as it is written", async () => {
  const page = await openPage();
  await page.evaluate('void example.showAnswer(document.querySelector("#output"), "What is SSE?")');
  const output = page.locator("#output");
  await expect.poll(() => output.getAttribute("data-reason")).toBe("stop");
  expect(await output.textContent()).toBe("Hello there");
});

test("openai 7 in a page runs the functions that a model calls, and shows the answer made of what came of them", async () => {
  const { answer } = app.told;
  app.told.answer = async function* ({ messages }) {
    const results = messages.filter(({ role }) => role === "tool").map(({ text }) => text);
    if (results.length === 0) {
      yield { type: "text", text: "Let me look. " };
      yield { type: "tool-call", call: "a", tool: "marked_text" };
      yield { type: "tool-call", call: "b", tool: "local_time" };
      for (const text of ['{"loc', 'ale":', '"de"}']) yield { type: "tool-input", call: "b", text };
      yield { type: "finish", reason: "tool-calls" };
      return;
    }
    yield { type: "text", text: `It is: ${results.join(" at ")}` };
    yield { type: "finish", reason: "stop" };
  };
  const page = await openPage(tools);
  await page.evaluate(`
    getSelection().selectAllChildren(document.querySelector("b"));
    void example.askAboutPage(document.querySelector("#output"), "told", "What is this?");
  `);
  const output = page.locator("#output");
  await expect.poll(() => output.getAttribute("data-reason")).toBe("stop");
  expect(await output.textContent()).toMatch(
    /^Let me look\. It is: marked at \d+\.\d+\.\d{4}, \d\d:\d\d:\d\d$/,
  );
  const asked = app.told.calls.slice(-2);
  expect(asked[0]?.tools?.map(({ name }) => name)).toEqual(["marked_text", "local_time"]);
  expect(asked[1]?.messages).toMatchObject([
    { role: "user" },
    { role: "assistant", calls: [{ input: "{}" }, { input: '{"locale":"de"}' }] },
    { role: "tool", tool: "marked_text" },
    { role: "tool", tool: "local_time" },
  ]);
  app.told.answer = answer;
});

test("an abort in the page ends the run", async () => {
  let isAborted = false;
  app.told.answer = async function* (_request, signal) {
    yield { type: "text", text: "One" };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    isAborted = true;
  };
  const page = await openPage();
  await page.evaluate(`
    window.abort = new AbortController();
    void example.showAnswer(document.querySelector("#output"), "Why?", abort.signal).catch(() => {});
  `);
  await expect.poll(() => page.locator("#output").textContent()).toBe("One");
  await page.evaluate("abort.abort()");
  await expect.poll(() => isAborted).toBe(true);
});

test("a page of an allowed other origin asks, with the headers that version 7 sends; another one may not", async () => {
  const friend = createServer((_request, response) => response.end('<p id="output"></p>'));
  await new Promise<void>((resolve) => friend.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(friend.address() as AddressInfo).port}`; // it listens on a port
  await using other = await startApp({ allowedOrigins: [origin] });
  const url = await other.server.listen(0);
  const reasonAt = async (address: string) => {
    const page = await browser.newPage();
    await page.goto(origin);
    await page.addScriptTag({ content: asking.replaceAll("location.href", JSON.stringify(address)) });
    await page.evaluate(`void example.showAnswer(output, "Why?").catch((error) => {
      output.dataset.reason = error instanceof Error ? "refused" : "nothing";
    })`);
    await page.locator("#output[data-reason]").waitFor({ state: "attached" });
    return page.locator("#output").getAttribute("data-reason");
  };
  expect(await reasonAt(url)).toBe("stop");
  expect(await reasonAt(millrace)).toBe("refused");
  friend.closeAllConnections();
  friend.close();
});
