import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import type { CuttingProxy } from "../support/cutting-proxy.ts";
import { startFakeProvider } from "../support/fake-provider.ts";
import type { FakeProvider } from "../support/fake-provider.ts";
import { freePort, startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>open</title>
<pre id="output"></pre>
<script>
  const source = new EventSource("/stream?prompt=Why%20is%20the%20sky%20blue%3F");
  source.onmessage = (event) => { output.textContent += JSON.parse(event.data).text; };
  source.addEventListener("end", (event) => {
    source.close();
    document.title = JSON.parse(event.data).reason;
  });
</script>`;

const TOKENS = Array.from({ length: 400 }, (_, index) => ` wörd${index}${index % 7 === 0 ? "🌊" : ""}`);
const WHOLE = TOKENS.join("");
const RATE = 50;

let browser: Browser;
let provider: FakeProvider;
let proxy: CuttingProxy;
let server: ServerProcess;
let page: Page;
let data = "";
let port = 0;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "millrace-page-"));
  port = await freePort();
  provider = await startFakeProvider({ respond: () => ({ type: "answer", tokens: TOKENS, rate: RATE }) });
  proxy = await startCuttingProxy({ target: port });
  server = await start();
  page = await browser.newPage();
  await page.route("**/one-line.html", (route) => route.fulfill({ contentType: "text/html", body: PAGE }));
});

afterEach(async () => {
  await page.close();
  await server[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await provider.close();
  await rm(data, { recursive: true, force: true });
});

test("three cuts and a reload in the middle of an answer lose and double nothing, and are paid for once", async () => {
  await open();
  for (const word of [40, 80, 120]) {
    await reads(word);
    proxy.cutAll();
  }
  await reads(260);
  await page.reload();
  await ends("stop");
  expect(await text()).toBe(WHOLE);
  expect(provider.calls).toHaveLength(1);
});

test("a server that is killed before its first block answers after its restart, and is paid for once", async () => {
  process.kill(server.pid, "SIGSTOP");
  await open();
  await expect.poll(() => proxy.connections).toBeGreaterThan(0);
  await restart();
  await ends("stop");
  expect(await text()).toBe(WHOLE);
  expect(provider.calls).toHaveLength(1);
});

test("a server that is killed in the middle of an answer says that it was interrupted, and keeps what was seen", async () => {
  // It has not ended by then, however slow the machine is.
  provider.next({ type: "answer", tokens: TOKENS, rate: RATE, hangAfter: 300 });
  await open();
  await reads(60);
  await restart();
  await ends("interrupted");
  const seen = await text();
  expect(seen).toContain(TOKENS[60]);
  expect(WHOLE.startsWith(seen)).toBe(true);
  expect(provider.calls).toHaveLength(1);
});

function start(): Promise<ServerProcess> {
  return startServerProcess({ dataDir: data, port, env: { OPENAI_BASE_URL: provider.baseUrl } });
}

async function restart(): Promise<void> {
  server.kill("SIGKILL");
  await server.exit;
  server = await start();
}

async function open(): Promise<void> {
  await page.goto(`http://127.0.0.1:${proxy.port}/one-line.html`);
}

function text(): Promise<string> {
  return page.locator("#output").evaluate((element) => element.textContent ?? "");
}

async function reads(word: number): Promise<void> {
  await expect.poll(text).toContain(TOKENS[word]);
}

async function ends(reason: string): Promise<void> {
  await expect.poll(() => page.title()).toBe(reason);
}
