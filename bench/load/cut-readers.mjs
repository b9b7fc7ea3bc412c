/** A process that reads answers over wires that break, each with the resumer's own way of coming back. */
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { judge, lengthOf } from "../resumers/answer.mjs";
import { startWire } from "./wire.mjs";

const ON_ITS_WAY_MS = 20;
/** So long it is waited until all are connected. */
const OPENED_MS = 10_000;

const [name] = process.argv.slice(2);
const { default: resumer } = await import(`../resumers/${name}.mjs`);

// A client that is loaded late would meet the first cut before its first byte.
await Promise.all((resumer.packages ?? []).map((wanted) => import(wanted)));

/** What is under way, by the name that its asker gave it. */
const readings = new Map();

process.on("message", ({ id, type, ...options }) => {
  void handle(type, options).then(
    (answer) => process.send?.({ id, answer }),
    (error) => process.send?.({ id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());
// A client that is closed while it reconnects may say so late.
process.on("unhandledRejection", () => undefined);

async function handle(type, options) {
  if (type === "read") return readAll(options);
  const { opened, go } = readings.get(options.reading) ?? {};
  if (type === "opened") await Promise.race([opened, sleep(OPENED_MS)]);
  if (type === "go") go();
  return {};
}

/** The time of all is over so long after `go`.
 *  @param {{reading: string, port: number, answers: {run: string, cuts?: import("./wire.mjs").Cut[], delayMs?: number, isOnce?: boolean}[], limitMs: number}} options */
function readAll({ reading, port, answers, limitMs }) {
  const abort = new AbortController();
  setMaxListeners(0, abort.signal); // each connection of a client adds its own
  const go = () => setTimeout(() => abort.abort(), limitMs).unref();
  const openings = [];
  const done = answers.map((answer) => {
    let open;
    openings.push(new Promise((resolve) => (open = resolve)));
    return readOnce(port, answer, abort.signal, open);
  });
  readings.set(reading, { opened: Promise.all(openings), go });
  return Promise.all(done);
}

async function readOnce(port, { run, cuts = [], delayMs, isOnce = false }, limit, open) {
  const begun = performance.now();
  const { words, rate } = lengthOf(run);
  let text = "";
  let highest = -1;
  let cutAt;
  const aways = [];
  const arrivals = [];
  let first;
  let heldMs;
  const wire = await startWire({
    target: port,
    cuts,
    delayMs,
    onCut() {
      cutAt ??= performance.now();
    },
    onClose() {
      // While the speaker thinks: half of the answer is there.
      if (highest === (words >> 1) - 1) heldMs ??= performance.now() - arrivals[highest];
    },
  });
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  limit.addEventListener("abort", () => abort.abort());
  const say = (piece) => {
    text += piece;
    const now = performance.now();
    if (first === undefined) wire.begin();
    first ??= { ms: now - begun, ...wire.count };
    open();
    if (isOnce) abort.abort();
    for (const [, index] of piece.matchAll(/w(\d+) /g)) arrivals[index] ??= now;
    // Live again: there is a word that has not been there before.
    const last = Number(/.*w(\d+) /s.exec(piece)?.[1] ?? -1);
    if (last <= highest) return;
    highest = last;
    const away = now - (cutAt ?? Infinity);
    // What was on its way when the wire was cut still comes.
    if (away < ON_ITS_WAY_MS) return;
    aways.push(away);
    cutAt = undefined;
  };
  let end = "ended";
  try {
    const url = `http://127.0.0.1:${wire.port}`;
    await resumer.read({ url, run, say, clear: () => (text = ""), open, signal: abort.signal });
    if (abort.signal.aborted) end = "waits for ever";
  } catch (error) {
    end = abort.signal.aborted
      ? "waits for ever"
      : `gave up: ${String(error?.message ?? error).slice(0, 120)}`;
  }
  wire.close();
  return {
    ...judge(text, words),
    end,
    aways,
    first,
    heldMs,
    lags: lagsOf(arrivals, words, rate),
    ...wire.count,
  };
}

/** How much later than the quickest word each of the first half came, in milliseconds. */
function lagsOf(arrivals, words, rate) {
  const half = arrivals.slice(0, words >> 1);
  const offsets = half.map((at, index) => at - (index * 1000) / rate);
  const least = offsets.reduce((least, each) => Math.min(least, each), Infinity);
  return offsets.map((each) => each - least);
}
