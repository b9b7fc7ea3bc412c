import { show } from "./goals.mjs";

const WIDTH = 720;
const NAME_WIDTH = 245;
const BAR_WIDTH = 335;
const ROW = 30;
const TOP = 52;

/** Bars with a line from the lowest to the highest round; readable on a light and on a dark page.
 *  @param {{title: string, unit: string, bars: {label: string, isOwn: boolean, value: {median: number, min: number, max: number}}[]}} chart */
export function drawBars({ title, unit, bars }) {
  const isSpread = bars.some(({ value }) => value.count > 1);
  const height = TOP + bars.length * ROW + 12;
  // A spread that reaches far beyond all bars is cut off rather than making them short.
  const most = Math.max(...bars.map(({ value }) => value.median)) * 1.1;
  const scale = (value) => NAME_WIDTH + (Math.min(value, most) / most) * BAR_WIDTH;
  const rows = bars.map(({ label, isOwn, value }, index) => {
    const y = TOP + index * ROW;
    const middle = y + 10;
    const spread = value.count > 1 ? ` (${show(value.min)}–${show(value.max)})` : "";
    const text = show(value.median) + spread;
    return [
      `<text x="${NAME_WIDTH - 10}" y="${y + 14}" text-anchor="end" class="${isOwn ? "own" : ""}">${escape(label)}</text>`,
      `<rect x="${NAME_WIDTH}" y="${y}" width="${Math.max(1, scale(value.median) - NAME_WIDTH).toFixed(1)}" height="20" rx="3" class="${isOwn ? "bar mine" : "bar"}"/>`,
      `<path d="M${scale(value.min).toFixed(1)} ${middle}H${scale(value.max).toFixed(1)}" class="spread"/>`,
      `<text x="${NAME_WIDTH + BAR_WIDTH + 8}" y="${y + 14}" class="figure">${text}</text>`,
    ].join("\n  ");
  });
  const note = isSpread ? "; median, and the lowest and highest round" : "";
  return drawPage(title, unit + note, height, rows.join("\n  "));
}

const PANEL = 170;
const LEFT = 52;
const RIGHT = 690;

/** Curves over the minutes, each panel with a scale of its own that begins at nothing.
 *  @param {{title: string, unit: string, panels: {unit: string, lines: {name: string, points: [number, number][]}[]}[]}} chart */
export function drawLines({ title, unit, panels }) {
  const last = Math.max(
    ...panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([x]) => x))),
  );
  const across = (x) => (LEFT + (x / last) * (RIGHT - LEFT)).toFixed(1);
  const drawn = panels.map(({ unit: of, lines }, index) => {
    const bottom = TOP + (index + 1) * PANEL - 34;
    const most = roundUp(Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y))));
    const up = (y) => (bottom - (y / most) * (PANEL - 56)).toFixed(1);
    const scale = [0, 0.5, 1].map((part) => [
      `<path d="M${LEFT} ${up(part * most)}H${RIGHT}" class="rule"/>`,
      `<text x="${LEFT - 8}" y="${Number(up(part * most)) + 4}" text-anchor="end" class="figure">${show(part * most)}</text>`,
    ]);
    const times = [0, 0.25, 0.5, 0.75, 1].map(
      (part) =>
        `<text x="${across(part * last)}" y="${bottom + 16}" text-anchor="middle" class="figure">${show(part * last)}</text>`,
    );
    const curves = lines.map(({ name, points }, at) => [
      `<path d="M${points.map(([x, y]) => `${across(x)} ${up(y)}`).join("L")}" class="curve${at === lines.length - 1 ? " mine" : ""}"/>`,
      `<text x="${RIGHT}" y="${Number(up(points.at(-1)[1])) - 6}" text-anchor="end" class="figure">${escape(name)}, ${escape(of)}</text>`,
    ]);
    return [...scale, ...times, ...curves].flat().join("\n  ");
  });
  return drawPage(title, unit, TOP + panels.length * PANEL, drawn.join("\n  "));
}

/** To a number that halves well. */
function roundUp(value) {
  const step = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((times) => times * step).find((bound) => bound >= value) ?? value;
}

function drawPage(title, subtitle, height, drawn) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">
  <style>
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600; font-size: 15px }
    .unit, .figure { fill: #57606a; font-size: 12px }
    .own { font-weight: 600 }
    .bar { fill: #afb8c1 }
    .mine { fill: #0969da }
    .spread { stroke: #24292f; stroke-width: 1.5; opacity: 0.6 }
    .rule { stroke: #57606a; stroke-width: 1; opacity: 0.3 }
    .curve { stroke: #8c959f; stroke-width: 1.5; fill: none }
    .curve.mine { stroke: #0969da; fill: none }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .unit, .figure { fill: #9198a1 }
      .bar { fill: #57606a }
      .mine { fill: #4493f8 }
      .spread { stroke: #e6edf3 }
      .rule { stroke: #9198a1 }
      .curve.mine { stroke: #4493f8 }
    }
  </style>
  <text x="12" y="20" class="title">${escape(title)}</text>
  <text x="12" y="38" class="unit">${escape(subtitle)}</text>
  ${drawn}
</svg>
`;
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
