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
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">
  <style>
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600; font-size: 15px }
    .unit, .figure { fill: #57606a; font-size: 12px }
    .own { font-weight: 600 }
    .bar { fill: #afb8c1 }
    .mine { fill: #0969da }
    .spread { stroke: #24292f; stroke-width: 1.5; opacity: 0.6 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .unit, .figure { fill: #9198a1 }
      .bar { fill: #57606a }
      .mine { fill: #4493f8 }
      .spread { stroke: #e6edf3 }
    }
  </style>
  <text x="12" y="20" class="title">${escape(title)}</text>
  <text x="12" y="38" class="unit">${escape(unit)}${isSpread ? "; median, and the lowest and highest round" : ""}</text>
  ${rows.join("\n  ")}
</svg>
`;
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
