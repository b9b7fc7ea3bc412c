/** Pictures of the pages under /live, with the demo feeds playing. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startDemo } from "../dist/cli/demo/demo.js";
import { createServer } from "../dist/server.js";

export const WIDE = { width: 1200, height: 800 };
export const NARROW = { width: 390, height: 780 };

/** Each picture: its name, how the page is, where it is, and what is there once it is filled. */
const PICTURES = [
  { name: "live-light", size: WIDE, scheme: "light", path: "/live", filled: "h1" },
  {
    name: "notifications-light",
    size: WIDE,
    scheme: "light",
    path: "/live/notifications",
    filled: ".live-main .notif-row",
  },
  {
    name: "notifications-phone",
    size: NARROW,
    scheme: "dark",
    path: "/live/notifications",
    filled: ".live-main .notif-row",
  },
  { name: "bell-dark", size: WIDE, scheme: "dark", path: "/", filled: ".bell-count", press: ".bell" },
  {
    name: "support-desk-light",
    size: WIDE,
    scheme: "light",
    path: "/live/support/desk/t1",
    filled: ".support-text",
  },
  {
    name: "support-desk-phone",
    size: NARROW,
    scheme: "light",
    path: "/live/support/desk/t1",
    filled: ".support-text",
  },
  {
    name: "support-list-phone",
    size: NARROW,
    scheme: "dark",
    path: "/live/support/desk",
    filled: ".support-row",
  },
  {
    name: "support-ticket-dark",
    size: WIDE,
    scheme: "dark",
    path: "/live/support/tickets/t1",
    filled: ".support-text",
  },
  { name: "support-light", size: WIDE, scheme: "light", path: "/live/support", filled: ".support-form" },
  { name: "scoreboard-light", size: WIDE, scheme: "light", path: "/live/scoreboard", filled: ".match" },
  { name: "scoreboard-phone", size: NARROW, scheme: "dark", path: "/live/scoreboard", filled: ".match" },
  { name: "keep-score-dark", size: WIDE, scheme: "dark", path: "/live/scoreboard/keep", filled: ".keep" },
  { name: "ticker-dark", size: WIDE, scheme: "dark", path: "/live/ticker", filled: ".tick-price" },
  { name: "ticker-phone", size: NARROW, scheme: "light", path: "/live/ticker", filled: ".tick-price" },
  { name: "operations-light", size: WIDE, scheme: "light", path: "/live/operations", filled: ".figure" },
  { name: "operations-phone", size: NARROW, scheme: "dark", path: "/live/operations", filled: ".figure" },
];

const MATCHES = [
  { key: "m1", teams: ["Larks", "Swifts"], home: 3, away: 1, clock: "63′", began: 1 },
  { key: "m2", teams: ["Otters", "Herons"], home: 0, away: 0, clock: "12′", began: 2 },
  { key: "m3", teams: ["Foxes", "Badgers"], home: 1, away: 2, status: "ended", began: 3 },
];
const MINUTE_MS = 60_000;
const NOTICES = [
  {
    title: "Build 41 passed",
    text: "618 tests in 4 min 12 s",
    topic: "builds",
    at: Date.now() - 180 * MINUTE_MS,
  },
  {
    title: "Ada mentioned you in “Release notes”",
    text: "“Can you look at the second paragraph before noon?”",
    topic: "mentions",
    href: "/",
    at: Date.now() - 40 * MINUTE_MS,
  },
  { title: "Build 42 failed", text: "2 of 618 tests", topic: "builds", at: Date.now() - 12 * MINUTE_MS },
];
const TICKET = [
  {
    type: "ticket-open",
    subject: "The tap drips",
    name: "Ada",
    text: "It has dripped since Monday, and the bucket is full.",
  },
  { type: "ticket-assign", to: "Robin", name: "Robin" },
  { type: "ticket-reply", from: "agent", name: "Robin", text: "Which one is it: the one at the left?" },
  { type: "ticket-reply", from: "customer", name: "Ada", text: "Yes, and now it hums." },
];
/** How long the figures and the prices run before the first picture, so that their lines have a past. */
const PAST_MS = 12_000;

/** For so long a page is looked at before its picture; the ticker goes fast meanwhile. */
const LIVELY_MS = 4_000;
const READERS = 24;

/** Takes the pictures into a folder; `wanted`: their names, none is all of them. */
export async function takeLivePictures({ browser, folder, wanted }) {
  const pictures = PICTURES.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  if (pictures.length === 0) return;
  const server = await createServer({ log: "memory", isDev: true, publishesFigures: true });
  const url = await server.listen(0);
  const prices = JSON.parse(await readFile(new URL("../dist/demo/prices.json", import.meta.url), "utf8"));
  const demo = startDemo({ fetch: (request) => server.fetch(request), prices });
  const leaving = new AbortController();
  try {
    await send(url, "PUT", "scores", { kind: "state" });
    await send(
      url,
      "POST",
      "scores",
      MATCHES.map((match) => ({ type: "score", ...match })),
    );
    await send(url, "POST", "notifications/local", NOTICES);
    await send(url, "PUT", "support/tickets", { kind: "state" });
    const opened = Date.now() - TICKET.length * 60_000;
    const at = (index) => opened + index * 60_000;
    await send(
      url,
      "POST",
      "support/tickets/t1",
      TICKET.map((event, index) => ({ ...event, at: at(index) })),
    );
    await send(url, "POST", "support/tickets", {
      type: "ticket",
      key: "t1",
      subject: "The tap drips",
      customer: "Ada",
    });
    await send(url, "POST", "demo/ticker-rate", {
      key: "rate",
      perSecond: 2_000,
      until: Date.now() + PAST_MS,
    });
    // Readers and an answer, so that the figures have something to tell.
    for (let reader = 0; reader < READERS; reader++)
      read(`${url}/v1/streams/demo/ticker?live=1`, leaving.signal);
    await fetch(`${url}/v1/runs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: "tokens=4000 rate=100", model: "script" }),
    });
    await sleep(PAST_MS);
    for (const picture of pictures) await take(browser, url, join(folder, `${picture.name}.png`), picture);
  } finally {
    leaving.abort();
    await demo.stop();
    await server.close();
  }
}

/** A page of this size and these colours, as it is in all pictures. */
export async function openAs(browser, { size, scheme }) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: scheme,
    deviceScaleFactor: size.width === NARROW.width ? 2 : 1,
    hasTouch: size.width === NARROW.width,
  });
  return context.newPage();
}

async function take(browser, url, file, { size, scheme, path, filled, press }) {
  const page = await openAs(browser, { size, scheme });
  await page.goto(url + path);
  await page.locator(filled).first().waitFor();
  const until = Date.now() + LIVELY_MS;
  await send(url, "POST", "demo/ticker-rate", {
    key: "rate",
    perSecond: path.endsWith("ticker") ? 2_000 : 50,
    until,
  });
  await sleep(LIVELY_MS + 2_000);
  // Somebody at the other side of the desk.
  const role = path.includes("tickets") ? "agent" : "customer";
  const data = { role, name: role === "agent" ? "Robin" : "Ada" };
  await post(`${url}/v1/signals/support/tickets/t1`, { kind: "typing", data });
  if (press !== undefined) await page.locator(press).click();
  // A change that is just draining.
  await send(url, "POST", "scores", { type: "score", ...MATCHES[0], home: 4, clock: "64′" });
  if (path.endsWith("notifications") && size === WIDE)
    await send(url, "POST", "notifications/local", {
      title: "Mill 3 is back",
      topic: "machines",
      at: Date.now(),
    });
  await sleep(250);
  await page.screenshot({ path: file });
  console.log(`${file.split("/").at(-1)}  ${Math.round((await stat(file)).size / 1024)} KB`);
  await page.context().close();
  await send(url, "POST", "scores", { type: "score", ...MATCHES[0] });
}

/** Reads events and drops them, until it is told to leave. */
export function read(url, signal) {
  fetch(url, { signal })
    .then(({ body }) => body.pipeTo(new WritableStream(), { signal }))
    .catch((error) => {
      if (!signal.aborted) throw error;
    });
}

export function send(url, method, stream, body) {
  return post(`${url}/v1/streams/${stream}`, body, method);
}

export async function post(url, body, method = "POST") {
  const request = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url, request);
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status}`);
}
