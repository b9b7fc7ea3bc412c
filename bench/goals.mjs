/** What the design asks for, each read from the results of one run. */

/** @typedef {object} Reading
 *  @property {string} figure  What Millrace did.
 *  @property {string} [rival] What it is held against.
 *  @property {string} [ratio]
 *  @property {boolean} isMet */

export const GOALS = [
  {
    what: "fan-out flat out (16 publishers, 1,000 readers, logged): CPU",
    goal: "≤ 1/8 of nchan",
    read: (find) => against(find, "fan-out", "1000 flat-16", "cpuMicros", "nchan", 1 / 8, "µs per delivery"),
  },
  {
    what: "fan-out flat out: latency p99",
    goal: "≤ 60 ms",
    read: (find) => below(find, "fan-out", "1000 flat-16", "millrace", "p99", 60, "ms"),
  },
  {
    what: "fan-out calm (10 events/s, 1,000 readers): CPU",
    goal: "≤ 1.15 × nchan",
    read: (find) => against(find, "fan-out", "1000 calm", "cpuMicros", "nchan", 1.15, "µs per delivery"),
  },
  {
    what: "fan-out calm: latency p50",
    goal: "≤ 1.15 × nchan",
    read: (find) => against(find, "fan-out", "1000 calm", "p50", "nchan", 1.15, "ms"),
  },
  {
    what: "idle reader (RssAnon)",
    goal: "≤ 12 KiB",
    read: (find) => below(find, "memory", "10000 readers", "millrace", "kibPerReader", 12, "KiB", "nchan"),
  },
  { what: "committed appends, embedded log, pipelined", goal: "≥ 200,000 events/s", read: readAppends },
  {
    what: "relay flat out: parsed, logged, delivered",
    goal: "≥ 40,000 tokens per CPU-second",
    read(find) {
      const own = find("relay", "flat out", "millrace", "tokensPerCpuSecond");
      const rival = find("relay", "flat out", "pass-through", "tokensPerCpuSecond");
      if (own === undefined) return undefined;
      return {
        figure: `${show(own)} tokens/CPU-s`,
        rival: rival && `pass-through ${show(rival)}`,
        ratio: rival && show(own / rival),
        isMet: own >= 40_000,
      };
    },
  },
  {
    what: "relay, 100 runs × 50/s: added latency p99",
    goal: "≤ 5 ms",
    read: (find) => below(find, "relay", "100 runs × 50/s", "millrace", "p99", 5, "ms", "pass-through"),
  },
  {
    what: "relay, 500 runs × 50/s: CPU",
    goal: "≤ 1.6 × pass-through",
    read: (find) =>
      against(find, "relay", "500 runs × 50/s", "cpuMicros", "pass-through", 1.6, "µs per token"),
  },
  {
    what: "coming back to a 50,000-token answer: bytes",
    goal: "≤ 1.1 × its text as JSON",
    read: (find) => below(find, "resume", "50000 tokens", "millrace", "bytesPerText", 1.1, "×"),
  },
  {
    what: "coming back to it at random cursors: p99",
    goal: "≤ 20 ms",
    read: (find) => below(find, "resume", "50000 tokens", "millrace", "p99", 20, "ms"),
  },
  {
    what: "a chat token beside a crowd of 5,000 served flat out: added p99",
    goal: "≤ 10 ms",
    read: (find) => below(find, "neighbour", "20 runs beside 5000 readers", "millrace", "addedP99", 10, "ms"),
  },
  {
    what: "the page, 50,000 characters at 200 tokens/s, CPU ÷ 4: tasks over 50 ms after the first second",
    goal: "none",
    read: (find) => below(find, "page", "50000 characters", "millrace-page", "longTasks", 0, "", "bare-page"),
  },
  {
    what: "the page: cost of the last token",
    goal: "≤ 2 × the hundredth",
    read: (find) => below(find, "page", "50000 characters", "millrace-page", "costRatio", 2, "×"),
  },
  {
    what: "the page: frame p95, CPU ÷ 4",
    goal: "≤ 20 ms",
    read: (find) =>
      below(find, "page", "50000 characters", "millrace-page", "frameP95", 20, "ms", "bare-page"),
  },
  {
    what: "the page: lag between five tabs, p95",
    goal: "≤ 150 ms",
    read: (find) => below(find, "page", "50000 characters", "millrace-page", "lagP95", 150, "ms"),
  },
];

function against(find, scenario, name, figure, rival, bound, unit) {
  const own = find(scenario, name, "millrace", figure);
  const other = find(scenario, name, rival, figure);
  if (own === undefined || other === undefined) return undefined;
  return {
    figure: `${show(own)} ${unit}`,
    rival: `${rival} ${show(other)}`,
    ratio: show(own / other),
    isMet: own <= bound * other,
  };
}

function below(find, scenario, name, contestant, figure, bound, unit, rival) {
  const own = find(scenario, name, contestant, figure);
  const other = rival && find(scenario, name, rival, figure);
  if (own === undefined) return undefined;
  return {
    figure: `${show(own)} ${unit}`,
    rival: other === undefined ? undefined : `${rival} ${show(other)}`,
    ratio: other ? show(own / other) : undefined,
    isMet: own <= bound,
  };
}

/** Held to the goal is the best of one event per append: that is what pipelining means. */
function readAppends(find, cells) {
  const best = (isBatch) =>
    cells("append")
      .filter((cell) => cell.case.includes("×") === isBatch)
      .sort((a, b) => b.median.perSecond.median - a.median.perSecond.median)[0];
  const one = best(false);
  if (one === undefined) return undefined;
  const { median } = one.median.perSecond;
  const batch = best(true)?.median.perSecond.median;
  const beside = batch === undefined ? "" : `; ${show(batch)} in appends of 64`;
  return { figure: `${show(median)} events/s (${one.case})${beside}`, isMet: median >= 200_000 };
}

export function show(value) {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en-US");
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}
