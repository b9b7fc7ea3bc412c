/** Pictures of the pages under /live, with the demo feeds playing. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startDemo } from "../dist/cli/demo/demo.js";
import { createServer } from "../dist/server.js";

const WIDE = { width: 1200, height: 800 };
const NARROW = { width: 390, height: 780 };

/** Each picture: its name, how the page is, where it is, and what is there once it is filled. */
const PICTURES = [
  { name: "live-light", size: WIDE, scheme: "light", path: "/live", filled: "h1" },
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

async function take(browser, url, file, { size, scheme, path, filled }) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: scheme,
    deviceScaleFactor: size === NARROW ? 2 : 1,
    hasTouch: size === NARROW,
  });
  const page = await context.newPage();
  await page.goto(url + path);
  await page.locator(filled).first().waitFor();
  const until = Date.now() + LIVELY_MS;
  await send(url, "POST", "demo/ticker-rate", {
    key: "rate",
    perSecond: path.endsWith("ticker") ? 2_000 : 50,
    until,
  });
  await sleep(LIVELY_MS + 2_000);
  // A change that is just draining.
  await send(url, "POST", "scores", { type: "score", ...MATCHES[0], home: 4, clock: "64′" });
  await sleep(250);
  await page.screenshot({ path: file });
  console.log(`${file.split("/").at(-1)}  ${Math.round((await stat(file)).size / 1024)} KB`);
  await context.close();
  await send(url, "POST", "scores", { type: "score", ...MATCHES[0] });
}

/** Reads events and drops them, until it is told to leave. */
function read(url, signal) {
  fetch(url, { signal })
    .then(({ body }) => body.pipeTo(new WritableStream(), { signal }))
    .catch((error) => {
      if (!signal.aborted) throw error;
    });
}

async function send(url, method, stream, body) {
  const request = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(`${url}/v1/streams/${stream}`, request);
  if (!response.ok) throw new Error(`${method} ${stream}: ${response.status}`);
}
