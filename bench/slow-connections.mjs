/** Whether those who dawdle hold up the others: `node bench/slow-connections.mjs [--rounds 5] [--report] [--shared] [--json]`. 10,000
 *  connections send the head of their request a byte a second and 1,000 never read, beside 100 healthy readers of the same feed. In turn in the
 *  same run: the healthy ones alone; with the others; and with the others at another server, which take the same part of the machine.
 *  Exit code 1 where something was lost or the 99th percentile is not within 10 %. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startModule } from "./children.mjs";
import { loadContestant, startContestant } from "./contestants/index.mjs";
import { copyProduct } from "./contestants/product.mjs";
import { openSession } from "./load/session.mjs";
import { cpuSeconds, describe, rssAnon } from "./measure.mjs";
import { reportNodes, show } from "./nodes-report.mjs";

const MOST_RATIO = 1.1;
const FILL_BYTES = 8_388_608;
const FILLER_BYTES = 16_384;
const FILLERS_AT_ONCE = 32;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    heads: { type: "string", default: "10000" },
    readers: { type: "string", default: "1000" },
    seconds: { type: "string", default: "15" },
    /** Longer than a head may take, so that those who come are as many as those who are cut. */
    settle: { type: "string", default: "25" },
    report: { type: "boolean" },
    shared: { type: "boolean" },
    json: { type: "boolean" },
  },
});
const [rounds, heads, readers, seconds, settle] = ["rounds", "heads", "readers", "seconds", "settle"].map(
  (name) => Number(values[name]),
);
const LOAD = { mode: "paced", rate: 50, durationMs: seconds * 1_000 };

process.env.BENCH_PRODUCT = copyProduct("slow-connections");
const contestant = await loadContestant("millrace");
const servers = [await startContestant(contestant), await startContestant(contestant)];
const [attacked] = servers;
const dawdlers = startModule("load/dawdlers.mjs");
let result;
try {
  result = await measure();
} finally {
  await Promise.all([...servers, dawdlers].map((each) => each.stop()));
}
console.log(values.json ? JSON.stringify(result) : result);
if (values.report) report(result);
process.exit(result.lost === 0 && result.ratio <= MOST_RATIO ? 0 : 1);

async function measure() {
  const [healthy, apart] = await Promise.all(
    servers.map((server) => openSession(server, { readers: 100, sampleEvery: 1 })),
  );
  for (const session of [healthy, apart]) await session.warm(4_000);
  // More than the kernel holds for one that never reads: or else it would get all there is, as the healthy ones do.
  for (const { port } of servers) await fill(port);
  for (const session of [healthy, apart]) await session.warm(2_000, LOAD);
  const cells = { alone: [], beside: [], elsewhere: [] };
  let mostMiB = 0;
  let met;
  for (let round = 0; round < rounds; round++) {
    cells.alone.push(await healthy.run(LOAD));
    await dawdlers.ask("open", {
      port: attacked.port,
      path: "/v1/streams/bench",
      heads,
      readers,
      within: settle * 900,
    });
    await sleep(settle * 1_000);
    const before = await dawdlers.ask("count");
    const cpuBefore = cpuSeconds(dawdlers.pid);
    const begun = performance.now();
    const watching = setInterval(() => (mostMiB = Math.max(mostMiB, rssAnon(attacked.pid) / 1_024)), 500);
    cells.beside.push(await healthy.run(LOAD));
    clearInterval(watching);
    const after = await dawdlers.ask("count");
    const per = (performance.now() - begun) / 1_000;
    met = {
      open: after.open,
      bytesPerSecond: (after.bytes - before.bytes) / per,
      cutPerSecond: (after.cut - before.cut) / per,
      loadCores: (cpuSeconds(dawdlers.pid) - cpuBefore) / per,
    };
    cells.elsewhere.push(await apart.run(LOAD));
    await dawdlers.ask("close");
    await sleep(2_000);
    if (!values.json)
      console.log(
        round,
        Object.entries(cells).map(([name, all]) => [name, all.at(-1).p50, all.at(-1).p99]),
        met,
      );
  }
  const median = (name, figure) => describe(cells[name].map((cell) => cell[figure]))?.median;
  const rows = Object.keys(cells).map((name) => ({
    name,
    ...Object.fromEntries(
      ["p50", "p99", "serverCores", "rssAnonMiB"].map((figure) => [figure, median(name, figure)]),
    ),
    p99s: cells[name].map(({ p99 }) => p99),
    lost: cells[name].reduce((sum, { lost, cut }) => sum + lost + cut, 0),
  }));
  const lost = rows.reduce((sum, row) => sum + row.lost, 0);
  const p99 = (name) => median(name, "p99");
  // Before the first of them came: what a heap has grown to it keeps.
  const aloneMiB = cells.alone[0].rssAnonMiB;
  const ratio = p99("beside") / p99("alone");
  return { rows, ...met, aloneMiB, mostMiB, lost, ratio, ofElsewhere: p99("beside") / p99("elsewhere") };
}

async function fill(port) {
  const event = JSON.stringify({ type: "filler", text: "x".repeat(FILLER_BYTES) });
  const body = `[${Array.from({ length: FILLERS_AT_ONCE }, () => event).join()}]`;
  for (let left = FILL_BYTES; left > 0; left -= FILLERS_AT_ONCE * FILLER_BYTES) {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body };
    const { status } = await fetch(`http://127.0.0.1:${port}/v1/streams/bench`, init);
    if (status !== 201) throw new Error(`The feed was not filled: ${status}.`);
  }
}

function report({
  rows,
  open,
  bytesPerSecond,
  cutPerSecond,
  loadCores,
  aloneMiB,
  mostMiB,
  ratio,
  ofElsewhere,
}) {
  const names = {
    alone: "alone",
    beside: "with the others",
    elsewhere: "with the others at another server",
  };
  reportNodes(
    "slow-connections",
    {
      title: `${show(heads)} slow heads and ${show(readers)} that never read`,
      command: "node bench/slow-connections.mjs --report",
      columns: [
        "100 healthy readers",
        "p50, ms",
        "p99, ms",
        "p99 of the rounds",
        "cores of their server",
        "RssAnon, MiB",
        "lost",
      ],
      rows: rows.map(({ name, p50, p99, p99s, serverCores, rssAnonMiB, lost }) => [
        names[name],
        ...[p50, p99].map(show),
        range(p99s),
        ...[serverCores, rssAnonMiB, lost].map(show),
      ]),
      notes: [
        `One feed, ${LOAD.rate} events a second, from append to receipt; medians of ${rounds} rounds of ${seconds} s each, in turn in the same run. ${show(heads)} connections send the head of a request a byte a second, and ${show(readers)} ask for the same feed from its start and never read. With the others the 99th percentile is ${show(ratio)} times as long as alone: the goal is ${MOST_RATIO}. It is ${show(ofElsewhere)} times as long as with the others at another server.`,
        `A head has 20 seconds, and who takes nothing is cut after 30: who is cut comes again within a second, so ${show(open)} were open and ${show(cutPerSecond)} a second were cut, while ${show(bytesPerSecond)} bytes a second came. The process that does that, where nobody else wants a processor, takes ${show(loadCores)} cores of the same machine, and the kernel's work for both ends: the third row has that without its bytes at the server of the healthy ones. At most their server took ${show(mostMiB)} MiB, that is ${show(((mostMiB - aloneMiB) * 1_024) / (heads + readers))} KiB for each of the others.`,
      ],
    },
    { isShared: values.shared },
  );
}

function range(values) {
  return `${show(Math.min(...values))}–${show(Math.max(...values))}`;
}
