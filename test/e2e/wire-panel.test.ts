import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { gate } from "../support/app.ts";
import { browserBeside } from "../support/browser-beside.ts";
import { askTold, openChatPage, startToldServer } from "../support/markdown-page.ts";

const beside = browserBeside(startToldServer);

async function ask(page: Page, text: string): Promise<void> {
  await page.locator("#model select").selectOption("script");
  await page.fill("#prompt", text);
  await page.locator("#prompt").press("Enter");
}

/** Frames are shown from when it is there on. */
async function openWire(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Wire", exact: true }).click();
  await page.locator("#wire").waitFor();
}

/** The names of the frames that are shown, those that were replayed with a mark. */
function frames(page: Page): Promise<string[]> {
  return page
    .locator(".wire-frame")
    .evaluateAll((rows) =>
      rows.map(
        (row) =>
          `${row.getAttribute("data-replay") === "true" ? "replayed " : ""}${row.querySelector(".wire-name")?.textContent ?? ""}`,
      ),
    );
}

function status(page: Page): Promise<string> {
  return page.locator("#status").innerText();
}

test("the wire is folded, and loaded when someone looks; then each frame stands there as it came", async () => {
  const { page, errors, strays } = await openChatPage(beside.browser, beside.started.server.url);
  const wireFiles: string[] = [];
  page.on("request", (request) => {
    if (/\/wire-/.test(request.url())) wireFiles.push(request.url());
  });
  expect(await page.locator("#wire").count()).toBe(0);
  await openWire(page);
  expect(wireFiles).toHaveLength(1);

  // Nothing is said before the page hears: else it would come as a replay.
  const { opened, open } = gate();
  beside.started.tell("Six words are said in pieces.", {
    rate: 20,
    hold: (token) => (token === 0 ? opened : undefined),
  });
  await askTold(page);
  await expect.poll(async () => (await frames(page)).join()).toContain("message-start");
  open();
  await expect.poll(() => frames(page)).toContain("message-end");
  const names = await frames(page);
  expect(names.filter((name) => name.endsWith("text-delta")).length).toBeGreaterThan(1);
  expect(names.indexOf("stream-caught-up")).toBeGreaterThan(names.indexOf("stream-start"));
  const text = await page.locator('article[data-role="assistant"] .text').innerText();
  const gists = await page
    .locator(".wire-frame", { hasText: "text-delta" })
    .locator(".wire-data")
    .allInnerTexts();
  expect(gists.map((gist) => JSON.parse(gist) as string).join("")).toBe(text);
  expect(await page.locator(".wire-totals").innerText()).toMatch(/^\d+ frames · [\d.]+ K?B$/);

  const last = page.locator(".wire-frame", { hasText: "message-end" }).last();
  await last.locator("summary").click();
  await expect.poll(() => last.locator("pre").innerText()).toMatch(/^id: \S+\n\{\n {2}"stream": "chats\//);
  expect({ errors, strays }).toEqual({ errors: [], strays: [] });
  await page.context().close();
});

test("the wire can be cut: the page says so after two seconds, what was missed comes replayed, nothing is lost", async () => {
  const { page } = await openChatPage(beside.browser, beside.started.server.url);
  await openWire(page);
  const [cut, back] = [gate(), gate()];
  const holds = new Map([
    [60, cut.opened],
    [300, back.opened],
  ]);
  beside.started.tell("word ".repeat(400), { rate: 40, hold: (token) => holds.get(token) });
  await askTold(page);
  await expect.poll(async () => (await frames(page)).length).toBeGreaterThan(20);
  await page.getByRole("button", { name: "Cut the wire" }).click();
  cut.open();
  await expect
    .poll(() => page.locator('.wire-mark[data-tone="wait"]').innerText())
    .toContain("Cut. The next try is in 4.0 s.");
  await expect.poll(() => status(page)).toBe("Reconnecting. The answer keeps being written.");
  await expect.poll(() => status(page), { interval: 20 }).toMatch(/^Back: \d+ tokens caught up\.$/);
  back.open();
  await expect.poll(() => frames(page)).toContain("replayed text-delta");
  await expect.poll(() => page.locator(".wire-totals").innerText()).toContain("1 cut");
  expect(await page.locator(".wire-fault").count()).toBe(0);
  await expect.poll(() => status(page)).toMatch(/^Answer complete, \d+ words\.$/);
  await page.context().close();
});

test("a second tab sees the frames of the connection that the first one holds", async () => {
  const { page } = await openChatPage(beside.browser, beside.started.server.url);
  await ask(page, "tokens=20000 seed=5 rate=40");
  await page.locator(".prose p").first().waitFor();
  const second = await page.context().newPage();
  await second.goto(page.url());
  await second.locator(".prose p").first().waitFor();
  await openWire(second);
  await expect
    .poll(async () => (await frames(second)).filter((name) => name === "text-delta").length)
    .toBeGreaterThan(20);
  expect(await second.locator(".wire-fault").count()).toBe(0);
  // It stays as it was left, also through a reload; the other tab shows it, too.
  await second.reload();
  await second.locator("#wire").waitFor();
  await second.getByRole("button", { name: "Close the wire" }).click();
  await second.locator(".answer-wire").click({ position: { x: 8, y: 30 } });
  await second.locator("#wire").waitFor();
  await second.getByRole("button", { name: "Close the wire" }).click();
  await expect.poll(() => second.locator("#wire").count()).toBe(0);
  await expect.poll(() => second.evaluate(() => document.activeElement?.id)).toBe("show-wire");
  await page.context().close();
});

test("what a tab reads beside the wire that another one holds stands there as replayed, its end too", async () => {
  const { page: leader } = await openChatPage(beside.browser, beside.started.server.url);
  await ask(leader, "tokens=3 seed=5 rate=0");
  await leader.locator('article[data-state="ended"]').waitFor();
  const second = await leader.context().newPage();
  await second.goto(leader.url());
  await second.locator('article[data-state="ended"]').waitFor();
  await openWire(second);
  await expect.poll(() => frames(second)).toContain("replayed message-end");
  await expect.poll(() => second.locator(".wire-totals").innerText()).toMatch(/\d+ read before/);
  // What the wire brings then is shown once.
  await ask(second, "tokens=3 seed=6 rate=0");
  await expect
    .poll(async () => (await frames(second)).filter((name) => name.endsWith("message-end")).length)
    .toBe(2);
  expect((await frames(second)).filter((name) => name.endsWith("user-message"))).toHaveLength(2);
  await leader.context().close();
});

test("the shown curl line works as it is", async () => {
  const { page } = await openChatPage(beside.browser, beside.started.server.url);
  await openWire(page);
  await ask(page, "tokens=3 seed=6 rate=0");
  await page.locator('article[data-state="ended"]').waitFor();
  // So short an answer may be over before the page hears: then it comes as a replay.
  await expect.poll(async () => (await frames(page)).some((name) => name.endsWith("text-delta"))).toBe(true);
  await page.getByText("Show as code").click();
  const line = await page.locator(".wire-codes pre").innerText();
  expect(line).toContain("Last-Event-ID");
  // From the start, and as long as it takes to be told of everything.
  const whole = line.replace(/ \\\n {2}-H 'Last-Event-ID[^']*'/, "").replace("curl", "curl -s --max-time 2");
  const { stdout } = await promisify(execFile)("sh", ["-c", `${whole} || true`]);
  const texts = [...stdout.matchAll(/^data: (.*"text-delta".*)$/gm)].map(
    ([, data]) => (JSON.parse(data ?? "") as { text: string }).text,
  );
  expect(texts.join("").trim()).toBe(await page.locator('article[data-role="assistant"] .text').innerText());
  await page.getByRole("button", { name: "EventSource" }).click();
  await expect.poll(() => page.locator(".wire-codes pre").innerText()).toContain("new EventSource(");
  await page.context().close();
});

test.each([
  { name: "beside the chat where there is room", width: 1400, isBeside: true },
  { name: "below it where there is not", width: 390, isBeside: false },
])("the panel stands $name, and covers nothing", async ({ width, isBeside }) => {
  const { page } = await openChatPage(beside.browser, beside.started.server.url, {
    viewport: { width, height: 780 },
  });
  await openWire(page);
  const [panel, box] = await Promise.all(
    ["#wire", ".composer"].map(async (selector) => page.locator(selector).boundingBox()),
  );
  if (panel === undefined || box === undefined || panel === null || box === null)
    throw new Error("not shown");
  expect(isBeside ? box.x + box.width <= panel.x : box.y + box.height <= panel.y).toBe(true);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  await page.context().close();
});
