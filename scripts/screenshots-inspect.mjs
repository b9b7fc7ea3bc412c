/** Pictures of the inspector, with a feed that a page reads, a cut on its way, and a model that halts. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer } from "../dist/server.js";
import { WIDE, openAs, post, read, send } from "./screenshots-live.mjs";

const PICTURES = [
  { name: "inspect-light", size: WIDE, scheme: "light", path: "/inspect", filled: ".inspect-table tbody tr" },
  {
    name: "inspect-stream-dark",
    size: WIDE,
    scheme: "dark",
    path: "/inspect?stream=notifications/local",
    filled: '.lane[data-kind="reader"]',
    event: "7",
  },
];
const STREAM = "notifications/local";
/** A build each so long: meanwhile the page that reads of them is cut once, another reader leaves, and one comes late. */
const BUILD_MS = 900;
const BUILDS = 14;

/** Says some words, halts longer than it should, and goes on. */
const halting = {
  name: "halting",
  models: () => Promise.resolve([{ id: "halting", origin: "on this machine" }]),
  async *generate(_, signal) {
    for (let word = 0; word < 60; word++) {
      await sleep(word === 0 ? 1_200 : word === 30 ? 2_400 : 60, undefined, { signal });
      yield { type: "text", text: `word${word} ` };
    }
    yield { type: "finish", reason: "stop" };
  },
};

/** Takes the pictures into a folder; `wanted`: their names, none is all of them. */
export async function takeInspectPictures({ browser, folder, wanted }) {
  const pictures = PICTURES.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  if (pictures.length === 0) return;
  const server = await createServer({ log: "memory", discovers: false, providers: [halting] });
  const url = await server.listen(0);
  const leaving = new AbortController();
  const gone = new AbortController();
  try {
    const build = (number) =>
      send(url, "POST", STREAM, { title: `Build ${number} passed`, topic: "builds", at: Date.now() });
    await build(1);
    const board = await openAs(browser, { size: WIDE, scheme: "light" });
    await board.goto(`${url}/live/notifications`);
    await board.locator(".live-main .notif-row").first().waitFor();
    read(`${url}/v1/streams/${STREAM}?live=1`, gone.signal);
    await post(`${url}/v1/runs`, { prompt: "Count", model: "halting" });
    for (let number = 2; number <= BUILDS; number++) {
      await sleep(BUILD_MS);
      await build(number);
      if (number === 6) await cutBoard(url);
      if (number === 8) gone.abort();
      if (number === 10) read(`${url}/v1/streams/${STREAM}?live=1`, leaving.signal);
      if (number === 11) await post(`${url}/v1/runs`, { prompt: "Again", model: "halting" });
    }
    for (const { name, size, scheme, path, filled, event } of pictures) {
      const page = await openAs(browser, { size, scheme });
      await page.goto(url + path);
      await page.locator(filled).first().waitFor();
      if (event !== undefined) await page.getByLabel("What became of event").fill(event);
      await page.evaluate(() => document.activeElement.blur());
      await sleep(1_000);
      const file = join(folder, `${name}.png`);
      await page.screenshot({ path: file });
      console.log(`${name}.png  ${Math.round((await stat(file)).size / 1024)} KB`);
      await page.context().close();
    }
    await board.context().close();
  } finally {
    leaving.abort();
    gone.abort();
    await server.close();
  }
}

/** The one that reads it with its page: it comes back by itself. */
async function cutBoard(url) {
  const { readers } = await (await fetch(`${url}/v1/inspect`)).json();
  await post(`${url}/v1/inspect/readers/${Math.min(...readers.map(({ id }) => id))}/cut`, {});
}
