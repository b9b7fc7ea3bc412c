/** Whether a server stays as it is for as long as it runs: `node bench/soak.mjs [minutes, default 60] [--report] [--shared] [--json]`.
 *  Chats, feeds, cuts and stops against one `millrace serve`, at a load that leaves it mostly idle; what it takes is looked at each 10
 *  seconds, and each reader's events are compared with what was sent. Exit code 1 where something was lost, or grew. */
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createParser } from "eventsource-parser";
import { drawLines } from "./chart.mjs";
import { freePort, startCommand } from "./children.mjs";
import { copyProduct, productCommand } from "./contestants/product.mjs";
import { cpuSeconds, describe, rssAnon } from "./measure.mjs";
import { reportNodes, show } from "./nodes-report.mjs";

const SAMPLE_MS = 10_000;
/** People who write one message after the other, four to a chat, and then delete it. */
const TALKERS = 6;
const MESSAGES = 4;
/** Feeds: so many of each kind, each with readers, until it has had its events and is closed; then another takes its place. */
const FEEDS = ["log", "log", "state", "state"];
const FEED_READERS = 5;
const FEED_EVENTS = 600;
const FEED_MS = 200;
const KEYS = 20;
/** Far more than a reader that comes back can have missed. */
const RETENTION = { maxEvents: 5_000, closedTtlMs: 30_000 };
/** After its end a reader must have it within that time. */
const LATE_MS = 60_000;

/** How much more the server may take at the end than a third of the time after its start, when all bounds are reached that are reached within minutes:
 *  a connection costs at least 9 KiB while it is open, an answer some KiB, and there are thousands of each in between, so that what is kept of one in ten
 *  would be seen; and less than this is what a garbage collector moves by itself. */
const MOST_MIB = 8;
/** Sockets come and go; what stays open does not go. */
const MOST_FILES = 4;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: "boolean" }, shared: { type: "boolean" }, json: { type: "boolean" } },
});
const minutes = Number(positionals[0] ?? 60);
if (!(minutes > 0)) throw new Error("Say for how many minutes: node bench/soak.mjs 60");

const count = {
  chats: 0,
  answers: 0,
  stops: 0,
  feeds: 0,
  events: 0,
  connections: 0,
  cuts: 0,
  lost: 0,
  doubled: 0,
  resets: 0,
};
const folder = mkdtempSync(join(tmpdir(), "millrace-bench-soak-"));
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
let server;
let isPassed = false;
try {
  process.env.BENCH_PRODUCT = copyProduct("soak");
  const args = ["serve", "--dev", "--no-demo", "--port", String(port), "--data", join(folder, "data")];
  server = await startCommand(process.execPath, [productCommand(), ...args], { port });
  isPassed = await soak();
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isPassed ? 0 : 1);

async function soak() {
  const begun = performance.now();
  const until = begun + minutes * 60_000;
  const samples = [];
  const sample = () => {
    const minute = (performance.now() - begun) / 60_000;
    samples.push({ minute, ...lookAt(server.pid) });
    if (!values.json) console.log(JSON.stringify({ ...samples.at(-1), ...count }));
  };
  const sampling = setInterval(sample, SAMPLE_MS);
  await Promise.all([
    ...Array.from({ length: TALKERS }, () => talk(until)),
    ...FEEDS.map((kind) => feed(kind, until)),
  ]);
  clearInterval(sampling);
  const seconds = (performance.now() - begun) / 1_000;
  const cores = [server.pid, process.pid].map((pid) => cpuSeconds(pid) / seconds);
  const [early, late] = [during(samples, 1 / 3, 1 / 2), during(samples, 5 / 6, 1)];
  const grownMiB = late.anonMiB - early.anonMiB;
  const grownFiles = late.files - early.files;
  const result = {
    minutes,
    ...count,
    early,
    late,
    grownMiB,
    grownFiles,
    serverCores: cores[0],
    loadCores: cores[1],
  };
  console.log(values.json ? JSON.stringify(result) : result);
  if (values.report) report(result, samples);
  return count.lost + count.doubled + count.resets === 0 && grownMiB <= MOST_MIB && grownFiles <= MOST_FILES;
}

function report(result, samples) {
  const chart = "charts/soak.svg";
  const line = (name, member) => ({ name, points: samples.map((each) => [each.minute, each[member]]) });
  const title = `${show(minutes)} minutes of chats, feeds, cuts and stops`;
  const panels = [
    { unit: "MiB", lines: [line("RSS, with the mapped log", "rssMiB"), line("RssAnon", "anonMiB")] },
    { unit: "open files", lines: [line("open files", "files")] },
  ];
  writeFileSync(new URL(chart, import.meta.url), drawLines({ title, unit: "over the minutes", panels }));
  const { early, late, grownMiB, grownFiles, serverCores, loadCores } = result;
  const { chats, answers, stops, feeds, events, connections, cuts, lost, doubled, resets } = count;
  reportNodes(
    "soak",
    {
      title: "chats, feeds, cuts and stops",
      chart: { title, file: chart },
      command: "node bench/soak.mjs --report",
      columns: [
        "minutes",
        "chats",
        "answers",
        "stopped",
        "feeds",
        "events",
        "connections",
        "cuts",
        "RssAnon, MiB",
        "at the end",
        "open files",
        "at the end",
        "cores",
        "of its load",
        "lost",
        "doubled",
        "resets",
      ],
      rows: [
        [
          ...[minutes, chats, answers, stops, feeds, events, connections, cuts].map(show),
          ...[early.anonMiB, late.anonMiB, early.files, late.files, serverCores, loadCores].map(show),
          ...[lost, doubled, resets].map(show),
        ],
      ],
      notes: [
        `One \`millrace serve\` with its log on the disk. ${TALKERS} people write ${MESSAGES} messages to a chat, one after the other, stop one in three, and delete it; ${FEEDS.length} feeds of ${FEED_EVENTS} events, ${1_000 / FEED_MS} a second, are closed and followed by others. Each answer has two readers, each feed ${FEED_READERS}; the connections of all but the first of an answer break at random bytes. Answers are compared with each other and with the SHA-256 that their writer gave, events one by one.`,
        `RssAnon and open files are medians of the third and of the last sixth of the time. The run fails if the latter is more than ${MOST_MIB} MiB or ${MOST_FILES} files above the former (it was ${show(grownMiB)} and ${show(grownFiles)}), or if anything is lost. Chats are gone 30 s after they were deleted, feeds 30 s after their end; the keys of requests are kept on the disk for a day, so the mapped file grows.`,
      ],
    },
    { isShared: values.shared },
  );
}

function lookAt(pid) {
  const rss = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  return { anonMiB: rssAnon(pid) / 1024, rssMiB: rss / 1024, files: readdirSync(`/proc/${pid}/fd`).length };
}

/** Medians of a part of the time. */
function during(samples, from, to) {
  const within = samples.filter(({ minute }) => minute >= from * minutes && minute <= to * minutes);
  const median = (name) => describe(within.map((sample) => sample[name]))?.median;
  return { anonMiB: median("anonMiB"), rssMiB: median("rssMiB"), files: median("files") };
}

/** Writes one message after the other, stops some answers, and deletes the chat. */
async function talk(until) {
  while (performance.now() < until) {
    const { chat, stream } = await send("POST", "/v1/chats", {});
    count.chats += 1;
    for (let n = 0; n < MESSAGES && performance.now() < until; n++) {
      await hear(chat, stream, n);
      await sleep(between(0, 2_000));
    }
    await send("DELETE", `/v1/chats/${chat}`);
  }
}

/** Two readers of an answer: one undisturbed, one whose connections break. Both must have the same text, which its writer gave the hash of. */
async function hear(chat, stream, n) {
  const text = `tokens=${between(60, 180)} rate=40 seed=${between(1, 1_000_000)}`;
  const { message, after } = await send("POST", `/v1/chats/${chat}/messages`, { text, model: "script" });
  count.answers += 1;
  const readers = [Infinity, 4_000].map((cutAfter) => {
    const reader = makeAnswerReader(message, after);
    const whenRead = follow(`/v1/streams/${stream}?after=${after}`, reader, cutAfter);
    return { reader, whenRead };
  });
  if (n % 3 === 1) {
    await sleep(between(0, 2_000));
    await send("POST", `/v1/chats/${chat}/stop`, {});
    count.stops += 1;
  }
  await inTime(readers.map(({ whenRead }) => whenRead));
  const [whole] = readers.map(({ reader }) => reader.text);
  const sha256 = createHash("sha256").update(whole).digest("hex");
  for (const { reader } of readers)
    if (reader.end === undefined || reader.text !== whole || (reader.end.sha256 ?? sha256) !== sha256)
      count.lost += 1;
}

/** Reads one answer; `take` returns whether it has the end. */
function makeAnswerReader(message, after) {
  let offset = offsetOf(after);
  const reader = { text: "", end: undefined, take };
  return reader;

  function take({ event: name, id, data }) {
    if (name === "stream-reset") {
      count.resets += 1;
      reader.text = "";
      offset = offsetOf(JSON.parse(data).from);
    }
    if (name !== undefined) return false;
    const event = JSON.parse(data);
    const missed = offsetOf(id) - (event.span ?? 1) - offset;
    if (missed > 0) count.lost += missed;
    if (missed < 0) count.doubled += 1;
    offset = offsetOf(id);
    if (event.message !== message) return false;
    if (event.type === "text-delta") reader.text += event.text;
    if (event.type === "message-end") reader.end = event;
    return event.type === "message-end";
  }
}

/** A feed with its readers, and after its end another. */
async function feed(kind, until) {
  while (performance.now() < until) {
    const stream = `/v1/streams/soak/${randomUUID()}`;
    count.feeds += 1;
    await send("PUT", stream, { kind, retention: RETENTION });
    const sent = new Map();
    const readers = Array.from({ length: FEED_READERS }, () => makeFeedReader(kind));
    const whenRead = readers.map((reader) => follow(stream, reader, 6_000));
    let n = 0;
    for (const from = performance.now(); n < FEED_EVENTS && performance.now() < until;) {
      n += 1;
      const key = `key-${n % KEYS}`;
      await send("POST", stream, { type: "soak", key, n, text: "x".repeat(between(0, 200)) });
      sent.set(key, n);
      count.events += 1;
      await sleep(Math.max(0, from + n * FEED_MS - performance.now()));
    }
    await send("POST", `${stream}?close=true`, []);
    await inTime(whenRead);
    for (const { last, seen, isEnded } of readers) {
      if (!isEnded) count.lost += 1;
      if (kind === "log") count.lost += n - last;
      else for (const [key, value] of sent) if (seen.get(key) !== value) count.lost += 1;
    }
  }
}

/** Reads one feed, each event of which has its offset as its number. */
function makeFeedReader(kind) {
  const reader = { last: 0, seen: new Map(), isEnded: false, take };
  return reader;

  function take({ event: name, data }) {
    if (name === "stream-reset") {
      count.resets += 1;
      reader.last = offsetOf(JSON.parse(data).from);
      reader.seen.clear();
    }
    if (name === "stream-end") reader.isEnded = true;
    if (name !== undefined) return reader.isEnded;
    const { key, n } = JSON.parse(data);
    if (n <= reader.last) count.doubled += 1;
    else if (kind === "log") count.lost += n - reader.last - 1;
    reader.last = n;
    reader.seen.set(key, n);
    return false;
  }
}

/** Reads as a browser does until the reader has the end, over connections that break after so many bytes on average. */
async function follow(path, reader, cutAfter) {
  let id;
  const take = (event) => {
    id = event.id ?? id;
    return reader.take(event);
  };
  for (let isOver = false; !isOver;) {
    count.connections += 1;
    isOver = await readOnce(path, id, take, cutAfter * 2 * Math.random());
    if (!isOver) await sleep(between(0, 500));
  }
}

/** Waits for those who read, but not for ever: who has no end then has lost it. */
function inTime(whenRead) {
  return Promise.race([Promise.all(whenRead), sleep(LATE_MS)]);
}

function readOnce(path, id, take, bytes) {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const headers = { accept: "text/event-stream", ...(id !== undefined && { "last-event-id": id }) };
    const request = get(base + path, { headers, agent: false }, (response) => {
      // Cut between the last event and the end: it has everything.
      if (response.statusCode === 204) isOver = take({ event: "stream-end" });
      else if (response.statusCode !== 200)
        reject(new Error(`GET ${path} was answered with ${response.statusCode}`));
      let left = Math.max(1, Math.round(bytes));
      const decoder = new TextDecoder();
      const parser = createParser({ onEvent: (event) => (isOver ||= take(event)) });
      response.on("data", (piece) => {
        if (isOver || left <= 0) return; // it was under way when the connection was cut
        parser.feed(decoder.decode(piece.subarray(0, left), { stream: true }));
        left -= piece.length;
        if (isOver) request.destroy();
        else if (left <= 0) {
          count.cuts += 1;
          if (Math.random() < 0.5) request.destroy();
          else response.socket.resetAndDestroy();
        }
      });
      response.on("error", () => {}); // `close` follows
      response.on("close", () => resolve(isOver));
    });
    request.on("error", () => resolve(isOver)); // it comes again
  });
}

/** Sent again with the same key where the connection broke: one that was kept alive may be closed at that moment. */
async function send(method, path, body) {
  const headers = { "content-type": "application/json", "idempotency-key": randomUUID() };
  const request = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const response = await fetch(base + path, request).catch(() => fetch(base + path, request));
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

function offsetOf(cursor) {
  return Number(cursor.split(".")[1]);
}

function between(from, to) {
  return from + Math.floor(Math.random() * (to - from + 1));
}
