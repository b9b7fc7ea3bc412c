import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeCapacity } from "./capacity-table.mjs";
import { drawBars } from "./chart.mjs";
import { GOALS, show } from "./goals.mjs";
import { fillGuide } from "./guide-tables.mjs";
import { nodeSections } from "./nodes-report.mjs";

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
  kibPerMinute: "KiB a minute, up and down",
  downPerMinute: "KiB down a minute",
  upPerMinute: "KiB up a minute",
  requestsPerMinute: "requests a minute",
  cpuPerMinute: "CPU a minute, ms",
  setUpMs: "first word, ms",
  setUpUp: "bytes up",
  setUpDown: "bytes down",
  connections: "connections",
  passes: "passes",
  lagP99: "lag p99, ms",
  heldSeconds: "silent, held s",
  bytesPlain: "bytes per word",
  bytesCompressed: "compressed",
  lagCompressed: "compressed, lag p99, ms",
  whole: "whole",
  answers: "of",
  cuts: "cuts",
  doubled: "doubled",
  reordered: "reordered",
  unended: "end not told",
  begun: "begun, times",
  awayP50: "away p50, ms",
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
  {
    scenario: "transports",
    case: "chat, 50 tokens/s",
    figure: "kibPerMinute",
    file: "transports-chat-bytes",
    title: "A chat answer, 50 tokens a second",
    unit: "KiB a minute for each reader, up and down, less is better",
  },
  {
    scenario: "transports",
    case: "notifications, 1 a minute",
    figure: "kibPerMinute",
    file: "transports-notifications-bytes",
    title: "Notifications, one a minute",
    unit: "KiB a minute for each reader, up and down, less is better",
  },
  {
    scenario: "transports",
    case: "chat, 50 tokens/s",
    figure: "cpuMicros",
    file: "transports-chat-cpu",
    title: "A chat answer, 50 tokens a second: the server",
    unit: "µs of CPU per token, less is better",
  },
  {
    scenario: "transports",
    case: "scoreboard, 2 updates/s",
    figure: "p50",
    file: "transports-scoreboard-latency",
    title: "A scoreboard, 2 updates a second",
    unit: "ms from the server to the reader, less is better",
  },
  {
    scenario: "cuts",
    case: "network away ≤ 2 s",
    figure: "whole",
    isMoreBetter: true,
    file: "cuts-whole",
    title: "Whole after five random cuts and up to two seconds without a network",
    unit: "answers of 10, more is better",
  },
];

/** Puts what was run apart into the results of the last whole run, in the place of what stood there: scenarios, or, where `isPart`,
 *  some contestants of them beside the others. */
export function mergeReport({ machine, results, isPart }) {
  const reported = readReported();
  const run = { at: machine.at, commit: machine.commit };
  const merged = new Map(reported.results.map((result) => [result.name, result]));
  for (const result of results) {
    const former = isPart ? merged.get(result.name) : undefined;
    merged.set(
      result.name,
      former === undefined ? { ...result, run } : keepOthers(without(former, result), { ...result, run }),
    );
  }
  write({ ...reported, results: [...merged.values()] });
}

/** A result without those whom another one measured, and without what its notes say of them. */
function without(result, { contestants }) {
  const isLeft = (name) => !contestants.some((each) => each.name === name);
  const { kept: _, ...rest } = result;
  return {
    ...rest,
    notes: result.notes.filter((note) => !note.includes(APART)),
    contestants: result.contestants.filter(({ name }) => isLeft(name)),
    cells: result.cells.filter(({ contestant }) => isLeft(contestant)),
  };
}

/** Writes RESULTS.md, the charts it shows, and the figures behind it; what is only run apart stays: whole scenarios, and those
 *  contestants of the others that this run left out. */
export function writeReport({ results, ...whole }) {
  const { machine, results: former } = readReported();
  const known = former.map((result) => ({ run: { at: machine.at, commit: machine.commit }, ...result }));
  const own = results.map((result) =>
    keepOthers(
      result,
      known.find(({ name }) => name === result.name),
    ),
  );
  write({
    ...whole,
    results: [...own, ...known.filter(({ name }) => !results.some((result) => result.name === name))],
  });
}

const APART = ": of a run apart, ";

/** A result with the figures of those that only another run measured, which is told. */
function keepOthers(result, former) {
  const isOther = ({ name, missing }) => !missing && !result.contestants.some((each) => each.name === name);
  const others = former?.contestants.filter(isOther) ?? [];
  if (others.length === 0) return result;
  const { at, commit } = former.kept ?? former.run;
  const titles = others.map(({ title }) => title).join(", ");
  return {
    ...result,
    kept: { at, commit },
    contestants: [...result.contestants, ...others],
    notes: [...result.notes, `${titles}${APART}${at} UTC, commit ${commit}.`],
    cells: [
      ...result.cells,
      ...former.cells.filter((cell) => others.some(({ name }) => name === cell.contestant)),
    ],
  };
}

function readReported() {
  return JSON.parse(readFileSync(join(HERE, "results", "reported.json"), "utf8"));
}

function write({ machine, size, results, seconds }) {
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
    ...results.flatMap((result) => section(result, machine)),
    ...nodeSections(),
  ].join("\n");
  writeFileSync(join(HERE, "RESULTS.md"), `${text.trimEnd()}\n`);
  writeCapacity(join(HERE, ".."));
  fillGuide(join(HERE, ".."), (scenario, name) => {
    const result = results.find((each) => each.name === scenario);
    return result && tableOf(name, result.figures, result.cells, titlesOf(result));
  });
  writeFileSync(
    join(HERE, "results", "reported.json"),
    `${JSON.stringify({ machine, size, seconds, results })}\n`,
  );
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
    "Stop, tabs and the first token after the start command are tests, not benchmarks. Dead owners, torture and draining are under *Several nodes*.",
    "",
  ];
}

function section(result, machine) {
  const { name, title, figures, notes, cells, failures, contestants, isByCase, run } = result;
  const titles = titlesOf(result);
  const order = [...new Set(cells.map((cell) => cell.case))];
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
    ...(isByCase ? order : [undefined]).flatMap((only) => table(only, figures, cells, titles)),
    ...ways(contestants),
    ...[...notes, ...apart(run, machine), ...failed, ...absent].flatMap((note) => [note, ""]),
  ];
}

function titlesOf({ contestants }) {
  return new Map(contestants.map((each) => [each.name, each.title]));
}

/** All cases, or one of them under its name. */
function table(only, figures, cells, titles) {
  const { columns, rows } = tableOf(only, figures, cells, titles);
  const rule = columns.map((column) => (column === "case" || column === "contestant" ? "---" : "---:"));
  const lines = [columns, rule, ...rows].map((row) => `| ${row.join(" | ")} |`);
  return [...(only === undefined ? [] : [`### ${only}`, ""]), ...lines, ""];
}

function tableOf(only, figures, cells, titles) {
  const shown = cells.filter((cell) => only === undefined || cell.case === only);
  const used = figures.filter((figure) => shown.some(({ median }) => median[figure] !== undefined));
  const order = [...new Set(shown.map((cell) => cell.case))];
  const rows = shown
    .toSorted((a, b) => order.indexOf(a.case) - order.indexOf(b.case))
    .map((cell) => [
      ...(only === undefined ? [cell.case] : []),
      titles.get(cell.contestant),
      ...used.map((figure) => format(figure, cell.median[figure])),
    ]);
  const columns = [...(only === undefined ? ["case"] : []), "contestant"];
  return { columns: [...columns, ...used.map((figure) => FIGURES[figure] ?? figure)], rows };
}

/** How each resumes, and what that leaves to the application. */
function ways(contestants) {
  const told = contestants.filter(({ way, missing }) => way !== undefined && !missing);
  if (told.length === 0) return [];
  const rows = told.map(({ title, version, way, yours }) => `| ${title} ${version} | ${way} | ${yours} |`);
  return [
    "| contestant | its way of resuming | left to the application |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ];
}

/** A scenario that was run again since. */
function apart(run, { at }) {
  return run === undefined || run.at === at ? [] : [`Run apart: ${run.at} UTC, commit ${run.commit}.`];
}

function draw(chart, cells, titles) {
  const bars = cells
    .filter((cell) => cell.case === chart.case && cell.median[chart.figure] !== undefined)
    .map(({ contestant, median }) => ({
      label: titles.get(contestant),
      isOwn: contestant.startsWith("millrace"),
      value: median[chart.figure],
    }))
    .sort((a, b) => (a.value.median - b.value.median) * (chart.isMoreBetter ? -1 : 1));
  if (bars.length < 2) return [];
  const name = chart.file ?? `${chart.scenario}-${chart.case}`.replace(/[^a-z0-9]+/gi, "-");
  const file = `charts/${name}.svg`;
  writeFileSync(join(HERE, file), drawBars({ ...chart, bars }));
  return [`![${chart.title}](${file})`, ""];
}

function format(figure, described) {
  if (described === undefined) return "";
  const { median, min, max, count } = described;
  if (figure === "passes") return median === 1 ? "yes" : "**no**";
  if (figure === "lost") return median === 0 && max === 0 ? "0" : `lost ${show(Math.max(median, max))}`;
  return figure === "cpuMicros" && count > 1 ? `${show(median)} (${show(min)}–${show(max)})` : show(median);
}
