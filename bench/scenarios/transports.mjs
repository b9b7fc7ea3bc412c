import { setTimeout as sleep } from "node:timers/promises";
import { readThroughCuts } from "../load/cuts.mjs";
import { openFeed } from "../load/feed-session.mjs";
import { PROXIES, isInstalled } from "../load/proxies.mjs";
import { probeCompression, probeProxies, probeSetUp } from "../load/transport-probes.mjs";
import { runRounds } from "../rounds.mjs";

const MAX_ROUNDS = 2;
const SIZES = {
  full: {
    chat: { readers: 50, perSecond: 50, durationMs: 2_500 },
    board: { readers: 100, perSecond: 2, durationMs: 15_000 },
    notifications: { readers: 200, perSecond: 1 / 60, durationMs: 60_000 },
    idle: { readers: 1_000, settleMs: 700 },
    setUp: { times: 8, delayMs: 25 },
    cuts: { answers: 6, words: 200, rate: 25, cuts: 2, outageMs: 0, patienceMs: 16_000, seed: 3 },
    proxies: { words: 80, rate: 20, silenceMs: 65_000 },
    compression: { words: 60, rate: 30 },
  },
  smoke: {
    chat: { readers: 4, perSecond: 20, durationMs: 300 },
    board: { readers: 4, perSecond: 10, durationMs: 400 },
    notifications: { readers: 4, perSecond: 5, durationMs: 400 },
    idle: { readers: 20, settleMs: 50 },
    setUp: { times: 1, delayMs: 5 },
    cuts: { answers: 1, words: 60, rate: 50, cuts: 1, outageMs: 0, patienceMs: 5_000, seed: 3 },
    proxies: undefined,
    compression: { words: 10, rate: 50 },
  },
};

/** Which resumer speaks for whom, where real clients are needed. */
const CLIENTS = {
  "millrace-library": "millrace",
  node: "node",
  ws: "ws",
  "socket-io": "socket-io",
  "long-poll": "long-poll",
  "poll-1s": "poll",
  "poll-5s": "poll-5s",
};

/** One feed over each transport. */
export default {
  name: "transports",
  title: "Transports: one feed over SSE, WebSocket and polling",
  contestants: Object.keys(CLIENTS),
  isByCase: true,
  figures: [
    "cpuMicros",
    "cpuPerMinute",
    "p50",
    "p99",
    "kibPerMinute",
    "downPerMinute",
    "upPerMinute",
    "requestsPerMinute",
    "kibPerReader",
    "setUpMs",
    "setUpDown",
    "setUpUp",
    "connections",
    "whole",
    "answers",
    "doubled",
    "awayP50",
    "passes",
    "lagP99",
    "heldSeconds",
    "bytesPlain",
    "bytesCompressed",
    "lagCompressed",
    "lost",
  ],
  notes: [
    "Feeds: a chat answer, 50 tokens a second to each of 50 readers (2.5 s, two rounds); a scoreboard, 2 updates a second to 100 readers (observed for 15 s); notifications, one a minute for each of 200 readers (observed for 60 s, not scaled). The last two run beside each other for all, since the machine has little to do. Bytes, requests and CPU per minute are those of one reader. Clients are raw sockets that send the headers that Chromium 156 sends; every server is a Node process but for the proxies.",
    "Set up: from the request to the first word of a feed that is under way, over a wire with a round trip of 50 ms, by the real clients (`eventsource`, `ws`, `socket.io-client`, `fetch`), with the bytes and connections that it took. Idle: memory of the server per reader that waits, 1,000 of them, each on a stream of its own.",
    "Cut: answers of 200 words, each cut twice, with the code that each needs (see the next scenario). Proxies: 40 words at 20 per second, 65 s of silence, 40 words; lag: how much later than the quickest a word came; held: how long the silent connection lived, 65 where it was not cut. nginx, told: `proxy_http_version 1.1`, Upgrade and Connection passed on, `proxy_buffering off`, `proxy_read_timeout 1h`. Compressed: HTTP by nginx with `gzip_types text/event-stream`, WebSockets by `permessage-deflate` without its threshold.",
  ],
  async run(context) {
    const size = SIZES[context.size] ?? SIZES.full;
    const { contestants } = context;
    const cells = [];
    const failures = [];
    const add = (name, contestant, figures) => cells.push({ case: name, contestant, rounds: [figures] });

    const rounds = Math.min(context.rounds, MAX_ROUNDS);
    const chat = await runRounds({ ...context, rounds }, contestants, (contestant) =>
      runChat(contestant, size, context),
    );
    cells.push(...chat.cells);
    failures.push(...chat.failures);

    const names = contestants.map(({ name }) => CLIENTS[name]);
    const addAll = (name, seen) => {
      for (const [client, figures] of Object.entries(seen))
        add(name, contestants.find((each) => CLIENTS[each.name] === client).name, figures);
    };
    context.say("scoreboard, notifications, proxies");
    const held = names.filter((name) => !name.startsWith("poll"));
    const through = size.proxies && probeProxies(held, size.proxies);
    for (const { name, figures } of await runFeeds(contestants, size))
      for (const [feed, each] of figures) add(feed, name, each);
    for (const [proxy, seen] of Object.entries((await through) ?? {})) addAll(`through ${proxy}`, seen);
    for (const { title, file } of PROXIES.filter((proxy) => !isInstalled(proxy)))
      context.say(`${title} is missing: ${file} is not installed`);

    context.say("idle readers, set up, compression, cuts");
    for (const contestant of contestants)
      add(`${size.idle.readers} idle`, contestant.name, await weighIdle(contestant, size.idle));
    addAll("set up, 50 ms away", await probeSetUp(names, size.setUp));
    const [compression, cuts] = await Promise.all([
      probeCompression(names, size.compression),
      Promise.all(names.map(async (name) => [name, await readThroughCuts({ name }, size.cuts)])),
    ]);
    addAll("compressed", compression);
    for (const [client, { whole, answers, doubled, awayP50, lost }] of cuts)
      addAll("cut", { [client]: { whole, answers, doubled, awayP50, lost } });
    return { cells, failures };
  },
};

async function runChat(contestant, { chat }, { warmMs, execArgv }) {
  const { readers, perSecond, durationMs } = chat;
  const feed = await openFeed(contestant, { execArgv });
  try {
    const load = {
      streams: names("chat", readers),
      clientsPer: 1,
      rate: readers * perSecond,
      event: "token",
    };
    await feed.open(load.streams);
    await feed.run({ ...load, durationMs: warmMs });
    return { "chat, 50 tokens/s": await feed.run({ ...load, durationMs }) };
  } finally {
    await feed.stop();
  }
}

/** All beside each other: the scoreboard, then the notifications. */
function runFeeds(contestants, { board, notifications }) {
  return Promise.all(
    contestants.map(async (contestant) => {
      const feed = await openFeed(contestant);
      try {
        await feed.open(Array.from({ length: board.readers }, () => "board"));
        const onBoard = { streams: ["board"], clientsPer: board.readers, rate: board.perSecond };
        await feed.run({ ...onBoard, durationMs: 1_000 });
        const scores = await feed.run({ ...onBoard, durationMs: board.durationMs });
        await feed.closeClients();
        const streams = names("person", notifications.readers);
        await feed.open(streams);
        await sleep(500);
        const { readers, perSecond, durationMs } = notifications;
        const news = await feed.run({ streams, clientsPer: 1, rate: readers * perSecond, durationMs });
        return {
          name: contestant.name,
          figures: [
            ["scoreboard, 2 updates/s", scores],
            ["notifications, 1 a minute", news],
          ],
        };
      } finally {
        await feed.stop();
      }
    }),
  );
}

async function weighIdle(contestant, { readers, settleMs }) {
  const feed = await openFeed(contestant);
  try {
    await feed.open(names("first", Math.ceil(readers / 10)));
    await sleep(settleMs);
    const before = feed.memory();
    await feed.open(names("idle", readers));
    await sleep(settleMs);
    return { kibPerReader: (feed.memory() - before) / readers };
  } finally {
    await feed.stop();
  }
}

function names(kind, count) {
  return Array.from({ length: count }, (_, index) => `${kind}${index}`);
}
