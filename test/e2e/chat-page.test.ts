import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ChatMessage } from "../../src/protocol/chat.ts";
import { gate } from "../support/app.ts";
import { launchBrowser } from "../support/browser.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import type { CuttingProxy } from "../support/cutting-proxy.ts";
import { startFakeProvider } from "../support/fake-provider.ts";
import type { FakeAnswer, FakeCall, FakeProvider } from "../support/fake-provider.ts";
import { freePort, startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

const TOKENS = Array.from({ length: 600 }, (_, index) => `wörd${index}${index % 7 === 0 ? "🌊" : ""} `);
const WHOLE = TOKENS.join("");
const RATE = 40;
const OFFLINE_MS = 5_000;
/** As far as the model gets before the browser goes offline, and before the server is killed. */
const BEFORE_OFFLINE = 120;
const BEFORE_KILL = 440;

let browser: Browser;
let provider: FakeProvider;
let server: ServerProcess;
let proxy: CuttingProxy;
let page: Page;
let errors: string[];
/** Opens when the browser is offline. */
let offline: ReturnType<typeof gate>;
let data = "";
let port = 0;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

beforeEach(async () => {
  offline = gate();
  data = await mkdtemp(join(tmpdir(), "millrace-page-"));
  port = await freePort();
  provider = await startFakeProvider({ respond });
  server = await start();
  proxy = await startCuttingProxy({ target: port });
  page = await browser.newPage();
  errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // What the browser itself says of a server that is away, the page cannot keep it from saying.
    const isNetwork = /Failed to load resource|net::ERR_/.test(message.text());
    if (message.type() === "error" && !isNetwork) errors.push(message.text());
  });
});

afterEach(async () => {
  await page.close();
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await provider.close();
  await rm(data, { recursive: true, force: true });
});

/** Says the same text to everybody, and goes on where it is told that it stopped. At first it says no more than may have been said at
 *  each step, however long the page takes for it. */
function respond({ body }: FakeCall): FakeAnswer {
  const said = body?.messages.find(({ role }) => role === "assistant")?.content ?? "";
  const rest = WHOLE.slice(said.length);
  const answer: FakeAnswer = { type: "answer", tokens: rest.match(/\S+\s|\s/gu) ?? [], rate: RATE };
  return said === "" ? { ...answer, hangAfter: BEFORE_KILL, hold: waitForOffline } : answer;
}

function waitForOffline(token: number): Promise<void> | undefined {
  return token === BEFORE_OFFLINE ? offline.opened : undefined;
}

function start(): Promise<ServerProcess> {
  return startServerProcess({
    dataDir: data,
    port,
    args: ["--model", "fake-model"],
    env: { OPENAI_BASE_URL: provider.baseUrl },
  });
}

function answer(): Promise<string> {
  return page
    .locator('article[data-role="assistant"] .text')
    .evaluate((element) => element.textContent ?? "");
}

async function reads(word: number): Promise<void> {
  await expect.poll(answer).toContain(`wörd${word}`);
}

/** The chat as the server has it. */
async function stored(): Promise<readonly ChatMessage[]> {
  const chat = new URL(page.url()).pathname.slice("/c/".length);
  const response = await fetch(`${server.url}/v1/chats/${chat}`);
  const { messages } = (await response.json()) as { messages: ChatMessage[] };
  return messages;
}

test("a reload, five seconds offline, a killed server and a continuation: the text is the model's, byte for byte", async () => {
  await page.goto(`http://127.0.0.1:${proxy.port}/`);
  await page.fill("#prompt", "Tell me everything");
  await page.keyboard.press("Enter");
  await reads(20);
  expect(new URL(page.url()).pathname).toMatch(/^\/c\/[a-z0-9]+$/);

  await page.reload();
  await reads(60);

  // The browser's own switch leaves a stream of loopback open, so the wire is cut as well.
  await page.context().setOffline(true);
  proxy.setRefusing(true);
  proxy.cutAll();
  offline.open();
  await new Promise((resolve) => setTimeout(resolve, OFFLINE_MS));
  const before = await answer();
  expect(await page.locator("#link").getAttribute("data-link")).toBe("reconnecting");
  proxy.setRefusing(false);
  await page.context().setOffline(false);
  await expect.poll(async () => (await answer()).length).toBeGreaterThan(before.length + 500);

  server.kill("SIGKILL");
  await server.exit;
  server = await start();
  await expect.poll(() => page.getByRole("button", { name: "Continue" }).isVisible()).toBe(true);
  const cut = await stored();
  expect(cut[1]).toMatchObject({ role: "assistant", end: { reason: "interrupted" } });
  expect(WHOLE.startsWith(cut[1]?.text ?? "-")).toBe(true);

  await page.getByRole("button", { name: "Continue" }).click();
  await expect
    .poll(async () => (await stored())[1], { interval: 500 })
    .toMatchObject({ end: { reason: "stop" } });
  const sha256 = createHash("sha256").update(WHOLE).digest("hex");
  const messages = await stored();
  expect(messages).toHaveLength(2);
  expect(messages[1]).toMatchObject({ text: WHOLE, end: { sha256 } });
  await expect.poll(async () => (await answer()).trim()).toBe(WHOLE.trim());

  // One bubble each, and one call for the start and one for the continuation.
  expect(await page.locator("article[data-role]").count()).toBe(2);
  expect(provider.calls).toHaveLength(2);
  expect(errors).toEqual([]);
});
