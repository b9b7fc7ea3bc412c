import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { drawBars } from "./chart.mjs";
import { GOALS, show } from "./goals.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** How a figure is called, and what it is measured in. */
const FIGURES = {
  cpuMicros: "CPU, µs each",
  perSecond: "per second",
  p50: "p50, ms",
  p99: "p99, ms",
  rssAnonMiB: "RssAnon, MiB",
  bytesPerEvent: "bytes each",
  lost: "lost",
  cut: "readers cut off",
  serverCores: "cores",
  tokensPerCpuSecond: "tokens per CPU-s",
  kibPerReader: "KiB per reader",
  openMs: "all connected, ms",
  backMs: "all back, ms",
  caughtUpMs: "all caught up, ms",
  cpuSeconds: "CPU, s",
  cpuMillis: "CPU, ms each",
  cpuMillisPerReader: "CPU per reader, ms",
  bytesPerText: "bytes / JSON text",
  startP50: "from start p50, ms",
  startP99: "from start p99, ms",
  aloneP50: "alone p50, ms",
  aloneP99: "alone p99, ms",
  besideP50: "beside p50, ms",
  besideP99: "beside p99, ms",
  addedP99: "added p99, ms",
  crowdPerSecond: "crowd's deliveries/s",
  longTasks: "long tasks",
  longestTask: "longest task, ms",
  frameP50: "frame p50, ms",
  frameP95: "frame p95, ms",
  tokenMillis: "100th token, ms",
  lastTokenMillis: "last token, ms",
  costRatio: "last / 100th",
  lagP50: "tabs' lag p50, ms",
  lagP95: "tabs' lag p95, ms",
};

const CHARTS = [
  {
    scenario: "fan-out",
    case: "1000 flat-16",
    figure: "cpuMicros",
    title: "1,000 readers, 16 publishers, flat out",
    unit: "µs of CPU per delivery, less is better",
  },
  {
    scenario: "fan-out",
    case: "1000 calm",
    figure: "cpuMicros",
    title: "1,000 readers, 10 events a second",
    unit: "µs of CPU per delivery, less is better",
  },
  {
    scenario: "many-streams",
    case: "1000 streams",
    figure: "cpuMicros",
    title: "1,000 streams with a reader each",
    unit: "µs of CPU per delivery, less is better",
  },
  {
    scenario: "relay",
    case: "500 runs × 50/s",
    figure: "cpuMicros",
    title: "500 answers relayed at 50 tokens a second",
    unit: "µs of CPU per token, less is better",
  },
  {
    scenario: "memory",
    case: "10000 readers",
    figure: "kibPerReader",
    title: "10,000 idle readers",
    unit: "KiB of memory per reader, less is better",
  },
  {
    scenario: "storm",
    case: "5000 readers",
    figure: "caughtUpMs",
    title: "5,000 readers cut at once",
    unit: "ms until all have caught up, less is better",
  },
];

/** Writes RESULTS.md, the charts it shows, and the figures behind it. */
export function writeReport({ machine, size, results, seconds }) {
  const all = (scenario) => results.find(({ name }) => name === scenario)?.cells ?? [];
  const find = (scenario, name, contestant, figure) =>
    all(scenario).find((cell) => cell.case === name && cell.contestant === contestant)?.median[figure]
      ?.median;
  mkdirSync(join(HERE, "charts"), { recursive: true });
  mkdirSync(join(HERE, "results"), { recursive: true });
  const text = [
    "# Results",
    "",
    ...heading(machine, size, results, seconds),
    "",
    ...goalTable(find, all),
    ...results.flatMap((result) => section(result)),
  ].join("\n");
  writeFileSync(join(HERE, "RESULTS.md"), `${text.trimEnd()}\n`);
  writeFileSync(join(HERE, "results", "reported.json"), `${JSON.stringify({ machine, size, results })}\n`);
}

function heading(machine, size, results, seconds) {
  const versions = new Map(
    results.flatMap(({ contestants }) =>
      contestants.map(({ title, version, missing }) => [title, missing ? "missing" : version]),
    ),
  );
  const rounds = Math.max(0, ...results.flatMap(({ cells }) => cells.map((cell) => cell.rounds.length)));
  return [
    `\`npm run bench${size === "full" ? "" : ` -- --${size}`}\`, ${machine.at} UTC, commit ${machine.commit}${seconds ? `, ${Math.round(seconds / 60)} minutes` : ""}. ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}. Written by the run; do not edit.`,
    "",
    `Contestants: ${[...versions].map(([title, version]) => `${title} ${version ?? ""}`.trim()).join(" · ")}.`,
    "",
    `Each contestant is a process of its own, in turn with the others; ${rounds} rounds; figures are medians, with the lowest and the highest round in brackets where a chart or the CPU column shows them. Server, readers and publishers share two cores, so ratios within this run count, and latencies beside a busy server hold the wait for a core. CPU is that of the server's process, user and system. The order of events is checked on 1 % of the readers, on ten at least; the others are checked for the end and their count of bytes.`,
  ];
}

function goalTable(find, all) {
  const rows = GOALS.map(({ what, goal, read }) => {
    const reading = read(find, all);
    if (reading === undefined) return `| ${what} | ${goal} | not measured | | | |`;
    const { figure, rival = "", ratio = "", isMet } = reading;
    return `| ${what} | ${goal} | ${figure} | ${rival} | ${ratio} | ${isMet ? "met" : "**missed**"} |`;
  });
  return [
    "## Goals",
    "",
    "| what | goal | Millrace | rival, same run | ratio | |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
    "Stop, dead owners, torture, tabs and the first token after the start command are tests, not benchmarks.",
    "",
  ];
}

function section(result) {
  const { name, title, figures, notes, cells, failures, contestants } = result;
  const titles = new Map(contestants.map((each) => [each.name, each.title]));
  const columns = figures.filter((figure) => cells.some(({ median }) => median[figure] !== undefined));
  const rows = cells.map((cell) => {
    const values = columns.map((figure) => format(figure, cell.median[figure]));
    return `| ${cell.case} | ${titles.get(cell.contestant)} | ${values.join(" | ")} |`;
  });
  const order = [...new Set(cells.map((cell) => cell.case))];
  rows.sort((a, b) => order.indexOf(a.split(" | ")[0].slice(2)) - order.indexOf(b.split(" | ")[0].slice(2)));
  const failed = [
    ...new Set(
      failures.map(
        ({ contestant, message }) => `${titles.get(contestant)} failed: ${message.split("\n")[0]}.`,
      ),
    ),
  ];
  const absent = contestants
    .filter(({ missing }) => missing)
    .map((each) => `${each.title} was not installed (${each.missing}).`);
  return [
    `## ${title}`,
    "",
    ...CHARTS.filter((chart) => chart.scenario === name).flatMap((chart) => draw(chart, cells, titles)),
    `| case | contestant | ${columns.map((figure) => FIGURES[figure] ?? figure).join(" | ")} |`,
    `| --- | --- | ${columns.map(() => "---:").join(" | ")} |`,
    ...rows,
    "",
    ...[...notes, ...failed, ...absent].flatMap((note) => [note, ""]),
  ];
}

function draw(chart, cells, titles) {
  const bars = cells
    .filter((cell) => cell.case === chart.case && cell.median[chart.figure] !== undefined)
    .map(({ contestant, median }) => ({
      label: titles.get(contestant),
      isOwn: contestant.startsWith("millrace"),
      value: median[chart.figure],
    }))
    .sort((a, b) => a.value.median - b.value.median);
  if (bars.length < 2) return [];
  const file = `charts/${`${chart.scenario}-${chart.case}`.replace(/[^a-z0-9]+/gi, "-")}.svg`;
  writeFileSync(join(HERE, file), drawBars({ ...chart, bars }));
  return [`![${chart.title}](${file})`, ""];
}

function format(figure, described) {
  if (described === undefined) return "";
  const { median, min, max } = described;
  if (figure === "lost") return median === 0 && max === 0 ? "0" : `lost ${show(Math.max(median, max))}`;
  return figure === "cpuMicros" ? `${show(median)} (${show(min)}–${show(max)})` : show(median);
}
