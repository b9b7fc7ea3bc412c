#!/usr/bin/env node
/** Takes pictures of the page's main states into docs/screenshots/, from what was built. Needs Chromium. */
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { connect, createServer as createListener } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { createServer } from "../dist/server.js";
import { ANSWERS } from "./screenshot-answers.mjs";
import { takeInspectPictures } from "./screenshots-inspect.mjs";
import { NARROW, WIDE, openAs, takeLivePictures } from "./screenshots-live.mjs";
import { takeTransportsPicture } from "./screenshots-transports.mjs";
import { ROOT } from "./tool.mjs";

const FOLDER = join(ROOT, "docs", "screenshots");
const WIDER = { width: 1440, height: 860 };
const PACE_MS = 12;

/** Each picture: its name, how the page is, and what is done before it is taken. */
const PICTURES = [
  { name: "empty-light", size: WIDE, scheme: "light", take: takeEmpty },
  { name: "answering-dark", size: WIDE, scheme: "dark", take: takeAnswering },
  { name: "answered-light", size: WIDE, scheme: "light", take: takeAnswered },
  { name: "maths-dark", size: WIDE, scheme: "dark", take: takeMaths },
  { name: "branches-light", size: WIDE, scheme: "light", take: takeBranches },
  { name: "stopped-dark", size: WIDE, scheme: "dark", take: takeStopped },
  { name: "phone-light", size: NARROW, scheme: "light", take: takeAnswered },
  { name: "phone-dark", size: NARROW, scheme: "dark", take: takeMaths },
  { name: "wire-light", size: WIDER, scheme: "light", take: takeWire },
  { name: "wire-dark", size: WIDER, scheme: "dark", take: takeWire },
  { name: "phone-wire-dark", size: NARROW, scheme: "dark", take: takeWire },
  { name: "help-light", size: WIDE, scheme: "light", take: takeHelp },
  { name: "more-dark", size: WIDE, scheme: "dark", take: takeMore },
  { name: "search-light", size: WIDE, scheme: "light", take: takeSearch },
  { name: "phone-list-dark", size: NARROW, scheme: "dark", take: takeList },
  // The last one: after it no server is to be reached.
  { name: "reconnecting-light", size: WIDE, scheme: "light", take: takeReconnecting },
];

await main();

async function main() {
  await mkdir(FOLDER, { recursive: true });
  const data = await mkdtemp(join(tmpdir(), "millrace-screenshots-"));
  const server = await createServer({ data, isDev: true, providers: [createTeller()] });
  const wire = await startWire(new URL(await server.listen(0)));
  const { url } = wire;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
  });
  const wanted = process.argv.slice(2);
  try {
    await takeLivePictures({ browser, folder: FOLDER, wanted });
    await takeInspectPictures({ browser, folder: FOLDER, wanted });
    await takeTransportsPicture({ browser, folder: FOLDER, wanted });
    // A list of chats is part of every picture.
    const first = await open(browser, url, PICTURES[0]);
    for (const title of Object.keys(ANSWERS)) {
      await ask(first, title);
      await ended(first);
      await first.goto(url);
    }
    await first.context().close();
    for (const picture of PICTURES) {
      if (wanted.length > 0 && !wanted.includes(picture.name)) continue;
      const page = await open(browser, url, picture);
      await picture.take(page, wire);
      await page.evaluate(() => document.fonts.ready);
      await sleep(300);
      const path = join(FOLDER, `${picture.name}.png`);
      await page.screenshot({ path });
      console.log(`${picture.name}.png  ${Math.round((await stat(path)).size / 1024)} KB`);
      // The next picture's list is as short as this one's.
      const id = new URL(page.url()).pathname.split("/")[2];
      if (id !== undefined && picture !== PICTURES.at(-1)) await page.request.delete(`${url}/v1/chats/${id}`);
      await page.context().close();
    }
  } finally {
    await browser.close();
    wire.close();
    await server.close();
    await rm(data, { recursive: true, force: true });
  }
}

/** A model that says what stands in ANSWERS, at an even pace. */
function createTeller() {
  return {
    name: "teller",
    models: () => Promise.resolve([{ id: "teller", origin: "on this machine" }]),
    async *generate({ messages }, signal) {
      const text = ANSWERS[messages.at(-1)?.text] ?? Object.values(ANSWERS)[0];
      const tokens = text.match(/\s*\S{1,6}/g) ?? [];
      for (const token of tokens) {
        await sleep(PACE_MS, undefined, { signal });
        yield { type: "text", text: token };
      }
      yield { type: "finish", reason: "stop", usage: { inputTokens: 9, outputTokens: tokens.length } };
    },
  };
}

async function open(browser, url, picture) {
  const page = await openAs(browser, picture);
  await page.goto(url);
  await page.locator("#prompt").waitFor();
  return page;
}

async function ask(page, title) {
  const model = page.locator("#model select");
  if ((await model.count()) > 0) {
    const value = await model.locator("option", { hasText: "teller" }).first().getAttribute("value");
    await model.selectOption(value);
  }
  await page.fill("#prompt", title);
  await page.locator("#prompt").press("Enter");
}

async function ended(page) {
  await page.locator('.answer[data-state="ended"]').last().waitFor({ timeout: 60_000 });
}

async function takeEmpty() {}

async function takeAnswering(page) {
  await ask(page, "Compare two ways to stream");
  await page.locator(".code").first().waitFor();
  await sleep(700);
}

async function takeAnswered(page) {
  await ask(page, "Compare two ways to stream");
  await ended(page);
  await page
    .locator(".question")
    .last()
    .evaluate((question) => scrollBy(0, question.getBoundingClientRect().top - 72));
}

async function takeMaths(page) {
  await ask(page, "Why does the mean settle?");
  await ended(page);
  await page.locator(".katex").first().waitFor();
}

async function takeBranches(page) {
  await ask(page, "Plan a quiet weekend");
  await ended(page);
  await page.getByRole("button", { name: "Answer again" }).click();
  await page.locator(".branches").waitFor();
  await ended(page);
}

async function takeStopped(page) {
  await ask(page, "Compare two ways to stream");
  await page.locator(".code").first().waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".ending").waitFor();
}

async function takeWire(page) {
  await page.locator("#show-wire").click();
  await ask(page, "Compare two ways to stream");
  await page.locator(".answer .table").first().waitFor();
  await page.getByRole("button", { name: "Cut the wire" }).click();
  await page.locator('.wire-mark[data-tone="wait"]').waitFor();
  await ended(page);
  await sleep(400);
}

async function takeHelp(page) {
  await page.locator("#prompt").evaluate((box) => box.blur());
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
}

async function takeMore(page) {
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.locator("#more").getByRole("button", { name: "Instructions" }).click();
  await page.keyboard.type("Answer briefly, and name your sources.");
  await page.getByRole("button", { name: "Save" }).click();
  await ask(page, "Plan a quiet weekend");
  await ended(page);
  await page.getByRole("button", { name: "More", exact: true }).click();
}

async function takeSearch(page) {
  await ask(page, "Why does the mean settle?");
  await page.getByRole("link", { name: "Plan a quiet weekend" }).click();
  await page.locator("article.answer").waitFor();
  await page.getByRole("searchbox").fill("reconnect");
  await page.locator(".found li").first().waitFor();
}

async function takeList(page) {
  await ask(page, "Why does the mean settle?");
  await page.locator(".prose p").first().waitFor();
  await page.getByRole("button", { name: "Chats", exact: true }).click();
  await page.locator(".live").waitFor();
}

async function takeReconnecting(page, wire) {
  await ask(page, "Compare two ways to stream");
  await page.locator(".answer .table").first().waitFor();
  wire.cut();
  await page.locator('.answer[data-state="cut"]').waitFor({ timeout: 30_000 });
  await sleep(500);
}

/** What lies between the page and the server, and can be cut for good. */
async function startWire({ port }) {
  const sockets = new Set();
  let isCut = false;
  const listener = createListener((socket) => {
    if (isCut) return void socket.destroy();
    const far = connect(Number(port), "127.0.0.1");
    for (const end of [socket, far]) {
      sockets.add(end);
      end.on("error", () => end.destroy());
    }
    socket.on("close", () => far.destroy());
    far.on("close", () => socket.destroy());
    socket.pipe(far).pipe(socket);
  });
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  const close = () => {
    cut();
    listener.close();
  };
  return { url: `http://127.0.0.1:${listener.address().port}`, cut, close };
}
