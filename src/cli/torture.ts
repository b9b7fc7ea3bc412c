import { CliError, EXIT } from "./exit.ts";
import type { TortureFlags } from "./flags.ts";
import { startCutter } from "./torture/cutter.ts";
import type { Cutter } from "./torture/cutter.ts";
import { judge } from "./torture/judge.ts";
import { startParts } from "./torture/nodes.ts";
import type { Part, Parts } from "./torture/nodes.ts";
import { createRandom } from "./torture/random.ts";
import type { Random } from "./torture/random.ts";
import { readRun } from "./torture/reader.ts";
import { describe, emptyReport, showProgress } from "./torture/report.ts";
import type { TortureReport } from "./torture/report.ts";

const READERS_PER_RUN = 3;
/** So many kills of a node, and then one of Redis. */
const REDIS_TURN = 4;
/** How long runs have to end once no more is broken, beside what the longest takes that another node goes on with. */
const LAST_MS = 30_000;
const MAX_TOKENS = 600;
/** The slowest run, where its rate is not bounded further. */
const MIN_RATE = 50;
/** After so long a dead node has to be seen. */
const RECOVER_MS = 5_000;
/** Between two looks whether enough was cut. */
const LOOK_MS = 200;

/** Breaks what it can, for some time, and compares what every reader got with what was said. Exit code 1 on any loss. */
export async function torture(flags: TortureFlags): Promise<void> {
  const { seconds, seed, count, atOnce, killEvery, enoughCuts, maxRate, cutAfter } = readFlags(flags);
  const random = createRandom(seed);
  const given = flags.url?.split(",").map(toPart);
  const parts: Parts =
    given === undefined
      ? await startParts({ nodes: count, log: flags.log, recover: flags.recover })
      : { nodes: given, redis: undefined, close: () => Promise.resolve() };
  const report = emptyReport(seed, parts.nodes.length);
  const cutters = await Promise.all(
    parts.nodes.map((node) => startCutter(node.url, () => bytes(random, cutAfter))),
  );
  const abort = new AbortController();
  const begun = performance.now();
  /** Aborts when no more is to be broken, and no more runs are to be started. */
  const enough = new AbortController();
  const look = setInterval(() => {
    report.cuts = cutters.reduce((sum, cutter) => sum + cutter.cuts, 0);
    if (performance.now() - begun >= seconds * 1_000 || report.cuts >= enoughCuts) enough.abort();
  }, LOOK_MS);
  const broken = flags.redisKills ? parts : { ...parts, redis: undefined };
  const killer =
    given === undefined ? breakParts(broken, random, report, killEvery * 1_000, enough.signal) : undefined;
  const progress = flags.json === true ? undefined : setInterval(() => showProgress(report, cutters), 1_000);
  try {
    const runners = Array.from({ length: atOnce }, async () => {
      while (!enough.signal.aborted) {
        await tortureRun({ nodes: parts.nodes, cutters, random, maxRate, signal: abort.signal }, report);
      }
    });
    const lastMs = LAST_MS + (MAX_TOKENS * 1_000) / Math.min(MIN_RATE, maxRate);
    let late: ReturnType<typeof setTimeout> | undefined;
    enough.signal.addEventListener("abort", () => (late = setTimeout(() => abort.abort(), lastMs)));
    await Promise.all([...runners, killer]);
    clearTimeout(late);
  } finally {
    report.seconds = Math.round((performance.now() - begun) / 1_000);
    clearInterval(look);
    clearInterval(progress);
    // Both, also where something has failed: whoever starts runs looks at the one, and what is under way at the other.
    enough.abort();
    abort.abort();
    report.cuts = cutters.reduce((sum, { cuts }) => sum + cuts, 0);
    await Promise.all(cutters.map((cutter) => cutter.close()));
    await parts.close();
  }
  process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : describe(report));
  if (report.losses + report.gaps + report.doubles + report.resets > 0) process.exitCode = EXIT.failed;
}

/** Where runs are started and read. */
interface TortureRoom {
  nodes: readonly Part[];
  cutters: readonly Cutter[];
  random: Random;
  /** Tokens a second of one run, at most. */
  maxRate: number;
  signal: AbortSignal;
}

/** One run from its start to what each of its readers has made of it. */
async function tortureRun(
  { nodes, cutters, random, maxRate, signal }: TortureRoom,
  report: TortureReport,
): Promise<void> {
  const rate = random.int(Math.min(MIN_RATE, maxRate), maxRate);
  const prompt = `tokens=${random.int(50, MAX_TOKENS)} rate=${rate} seed=${random.int(1, 1e6)} markdown=${random.next() < 0.5}`;
  const started = await startRun(nodes, random, prompt, signal);
  if (started === undefined) return;
  const { stream } = started;
  report.runs += 1;
  const happens = (share: number, count: "reloads" | "stalls") => {
    const does = random.next() < share;
    if (does) report[count] += 1;
    return does;
  };
  const reports = await Promise.all(
    Array.from({ length: READERS_PER_RUN }, () =>
      readRun({
        base: () => random.pick(cutters).url,
        stream,
        reloads: () => happens(0.05, "reloads"),
        stallMs: () => (happens(0.002, "stalls") ? random.int(100, 2_000) : 0),
        signal,
      }),
    ),
  );
  judge(reports, report);
  await measureRecovery(nodes, started, report);
}

interface StartedRun {
  stream: string;
  node: Part;
  /** Unix milliseconds. */
  startedAt: number;
}

/** How long after its node was killed a run was ended by another, or another went on with it, by the clock of the machine. */
async function measureRecovery(
  nodes: readonly Part[],
  { stream, node, startedAt }: StartedRun,
  report: TortureReport,
): Promise<void> {
  for (const { url } of nodes) {
    const response = await fetch(`${url}/v1/streams/${stream}`).catch(() => undefined);
    if (response?.ok !== true) continue;
    const { events } = (await response.json().catch(() => ({ events: [] }))) as { events: ReadEvent[] };
    const end = events.findLast(
      ({ event }) => event.type === "message-end" && event.reason === "interrupted",
    );
    const next = events.find(({ event }) => event.type === "message-continue");
    if (end !== undefined) report.interrupted += 1;
    if (next !== undefined) report.continued += 1;
    const seen = next ?? end;
    const kill = kills.find(({ part, at }) => part === node && at >= startedAt);
    if (seen === undefined || kill === undefined || seen.at < kill.at) return;
    const ms = seen.at - kill.at;
    report.recovered += 1;
    report.recoverMs = Math.max(report.recoverMs, ms);
    if (ms > RECOVER_MS) report.late += 1;
    return;
  }
}

interface ReadEvent {
  at: number;
  event: { type: string; reason?: string };
}

/** Starts a run on any node; asks another with the same key where one does not answer. */
async function startRun(
  nodes: readonly Part[],
  random: Random,
  prompt: string,
  signal: AbortSignal,
): Promise<StartedRun | undefined> {
  const key = crypto.randomUUID();
  while (!signal.aborted) {
    const node = random.pick(nodes);
    const startedAt = Date.now();
    const response = await fetch(`${node.url}/v1/runs`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ prompt, model: "script" }),
      signal,
    }).catch(() => undefined);
    const answer = (await response?.json().catch(() => undefined)) as
      | { stream?: string; error?: { message: string; retryable: boolean } }
      | undefined;
    if (answer?.stream !== undefined) return { stream: answer.stream, node, startedAt };
    if (answer?.error?.retryable === false) {
      throw new CliError(EXIT.failed, `A run was refused: ${answer.error.message} Nodes need --dev.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}

/** Which nodes were killed, and when, in Unix milliseconds. */
const kills: { part: Part; at: number }[] = [];

/** Kills a node now and then, or Redis, and starts it again. */
async function breakParts(
  { nodes, redis }: Parts,
  random: Random,
  report: TortureReport,
  everyMs: number,
  enough: AbortSignal,
): Promise<void> {
  for (let turn = 1; ; turn++) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    if (enough.aborted) return;
    const isRedis = redis !== undefined && turn % REDIS_TURN === 0;
    const part = isRedis ? redis : random.pick(nodes);
    report[isRedis ? "redisKills" : "kills"] += 1;
    if (!isRedis) kills.push({ part, at: Date.now() });
    await part.kill();
    await new Promise((resolve) => setTimeout(resolve, random.int(0, 1_000)));
    await part.start();
  }
}

/** Mostly soon, so that there are many; now and then far enough for the largest block to arrive. */
function bytes(random: Random, soon: number): number {
  return random.next() < 0.9 ? random.int(1, soon) : random.int(1, 200_000);
}

function doNothing(): Promise<void> {
  return Promise.resolve();
}

function toPart(url: string): Part {
  if (!URL.canParse(url)) throw new CliError(EXIT.usage, `${JSON.stringify(url)} is no address of a node.`);
  return { url: url.replace(/\/$/, ""), start: doNothing, kill: doNothing };
}

function readFlags(flags: TortureFlags) {
  if (flags.recover !== undefined && flags.recover !== "interrupted" && flags.recover !== "continue") {
    throw new CliError(EXIT.usage, "--recover takes interrupted or continue.");
  }
  return {
    seconds: readNumber("--duration", flags.duration),
    seed: readNumber("--seed", flags.seed),
    count: readNumber("--nodes", flags.nodes),
    atOnce: readNumber("--runs", flags.runs),
    killEvery: readNumber("--kill-every", flags.killEvery),
    maxRate: readNumber("--rate", flags.rate),
    cutAfter: readNumber("--cut-after", flags.cutAfter),
    enoughCuts: flags.cuts === undefined ? Number.POSITIVE_INFINITY : readNumber("--cuts", flags.cuts),
  };
}

/** Errors: CliError 2. */
function readNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new CliError(EXIT.usage, `${name} takes a whole number from 1 on.`);
}
