/** A process that reads: raw sockets, bytes scanned in place. A part of the readers checks the order of every event and takes
 *  its latency; the others count bytes and wait for the fence. */
import { fenceText, nowMicros } from "./event.mjs";
import { Reader, watch } from "./reader.mjs";

const CONNECTING = 256;

let readers = [];

process.on("message", (message) => {
  void handle(message).then(
    (answer) => process.send?.({ id: message.id, answer }),
    (error) => process.send?.({ id: message.id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());

async function handle({ type, ...options }) {
  switch (type) {
    case "open":
      return open(options);
    case "reset":
      return reset(options.sent ?? {});
    case "arm":
      watch.fence = { sequence: options.sequence, bytes: Buffer.from(fenceText(options.sequence), "latin1") };
      for (const reader of readers) reader.hasFence = false;
      return {};
    case "await":
      return awaitAll(options);
    case "cut":
      return cut();
    case "close":
      for (const reader of readers) reader.leave();
      readers = [];
      return {};
    default:
      throw new Error(`The readers do not know ${type}.`);
  }
}

/** @param {{port: number, requests: string[], sampleEvery: number, tracksId?: boolean, hello?: string, atOnce?: number}} options
 *         `atOnce`: so many connect at the same time. */
async function open({ port, requests, sampleEvery, tracksId = false, hello, atOnce }) {
  const start = performance.now();
  const added = requests.map(
    (request, index) => new Reader({ port, request, isSampled: index % sampleEvery === 0, tracksId, hello }),
  );
  readers.push(...added);
  await openAll(added, atOnce);
  const refused = added.filter(({ status }) => !isOpen(status)).length;
  return { ms: performance.now() - start, refused };
}

/** 101: a WebSocket. */
function isOpen(status) {
  return status === 200 || status === 101;
}

async function openAll(list, atOnce = CONNECTING) {
  let next = 0;
  const openNext = async () => {
    while (next < list.length) await list[next++].open();
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, list.length) }, openNext));
}

/** From here on, each publisher goes on after what it has `sent`. */
function reset(sent) {
  watch.latencies = [];
  watch.base = sent;
  for (const reader of readers) reader.reset();
  return {};
}

/** Cuts all at once, and lets them come back with what they saw last. */
async function cut() {
  const start = performance.now();
  for (const reader of readers) reader.leave();
  await openAll(readers);
  return {
    backMs: performance.now() - start,
    refused: readers.filter(({ status }) => !isOpen(status)).length,
  };
}

/** Waits until all have the fence (or their end, with `until: "end"`); says what they have seen since the last reset. */
async function awaitAll({ timeoutMs, until = "fence", sent = {} }) {
  const isDone = (reader) => reader.isEnded || (until === "fence" && reader.hasFence);
  const isMet = () => {
    while (checked < readers.length && isDone(readers[checked])) checked += 1;
    return checked === readers.length;
  };
  let checked = 0;
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    watch.onChange = () => {
      if (!isMet()) return;
      clearTimeout(timer);
      resolve();
    };
    watch.onChange();
  });
  watch.onChange = undefined;
  watch.fence = undefined;
  return summary(until, sent);
}

function summary(until, sent) {
  const at = nowMicros();
  const sampled = readers.filter(({ options }) => options.isSampled);
  const bytes = sampled.map((reader) => reader.bytes).sort((a, b) => a - b);
  const usual = bytes[bytes.length >> 1] ?? 0;
  const latencies = watch.latencies.sort((a, b) => a - b);
  const share = (part) =>
    (latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))] ?? NaN) / 1000;
  return {
    at,
    missing: until === "fence" ? readers.filter(({ hasFence }) => !hasFence).length : 0,
    ended: readers.filter(({ isEnded }) => isEnded).length,
    /** Whose bytes say that something is missing, though they saw the end. */
    short: readers.filter(({ bytes: own }) => own < usual * 0.97).length,
    sampled: sampled.length,
    events: total(sampled, "events"),
    lost: total(sampled, "lost") + sampled.reduce((misses, reader) => misses + reader.missesOf(sent), 0),
    disorder: total(sampled, "disorder"),
    bytes: total(readers, "bytes"),
    tail: readers[0]?.tail ?? "",
    p50: share(0.5),
    p99: share(0.99),
  };
}

function total(list, member) {
  return list.reduce((sum, reader) => sum + reader[member], 0);
}
