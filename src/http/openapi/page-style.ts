/** How the page of the interface looks: the paper and ink of the other pages, without a script and without a fetched font. */
export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --paper: light-dark(oklch(0.978 0.002 220), oklch(0.215 0.016 248));
  --raised: light-dark(oklch(0.995 0.001 220), oklch(0.25 0.017 248));
  --sunken: light-dark(oklch(0.955 0.004 230), oklch(0.19 0.015 250));
  --ink: light-dark(oklch(0.25 0.022 250), oklch(0.915 0.01 230));
  --muted: light-dark(oklch(0.49 0.018 245), oklch(0.72 0.016 235));
  --line: light-dark(oklch(0.9 0.006 235), oklch(0.315 0.016 246));
  --sans: ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "Roboto Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
* { box-sizing: border-box; }
html { scroll-padding-top: 16px; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  max-width: 1120px;
  margin: 0 auto;
  padding: 24px 16px 80px;
  background: var(--paper);
  color: var(--ink);
  font: 15px/1.6 var(--sans);
  overflow-wrap: anywhere;
}
h1, h2, h3, h4, p, ul, dl, dd { margin: 0; }
h1 { font-size: 27px; line-height: 1.25; }
h2 { margin-top: 56px; font-size: 21px; line-height: 1.25; }
h3 { font-size: 17px; line-height: 1.35; }
h4 { margin-top: 20px; font-size: 13px; line-height: 1.5; }
p { margin-top: 8px; max-width: 68ch; }
a { color: inherit; text-underline-offset: 3px; }
:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
code, pre, .status { font: 13px/1.5 var(--mono); font-variant-numeric: tabular-nums; }
.muted { color: var(--muted); }
pre { margin: 12px 0 0; padding: 12px 16px; overflow-x: auto; background: var(--sunken); border-radius: 6px; }
article { margin-top: 24px; padding: 20px; background: var(--raised); border: 1px solid var(--line); border-radius: 10px; }
article:target { border-color: var(--ink); }
.route { margin-top: 4px; }
.route b { font: 600 13px/1.5 var(--mono); }
dl { margin-top: 4px; }
dl > div { padding: 6px 0; border-top: 1px solid var(--line); }
dl > div:first-child { border-top: 0; }
dt .muted { font-size: 13px; }
dd { color: var(--muted); font-size: 13px; max-width: 68ch; }
dd code { font-size: 12px; }
.refusals > div { display: grid; grid-template-columns: 72px 1fr; gap: 8px; align-items: baseline; }
nav { margin-top: 24px; }
nav summary { padding: 10px 0; font-weight: 600; font-size: 13px; cursor: pointer; }
nav ul { padding: 0 0 8px; list-style: none; }
nav a { display: block; padding: 5px 0; color: var(--muted); font-size: 13px; text-decoration: none; }
nav a:hover { color: var(--ink); text-decoration: underline; }
@media (max-width: 899px) {
  nav { display: grid; grid-template-columns: 1fr; border-block: 1px solid var(--line); }
  nav details + details { border-top: 1px solid var(--line); }
  nav a { padding: 9px 0; }
  article { padding: 16px; }
}
@media (min-width: 900px) {
  body { display: grid; grid-template-columns: 220px minmax(0, 1fr); column-gap: 40px; padding-inline: 24px; }
  header { grid-column: 2; }
  nav { position: sticky; top: 0; grid-row: 1 / 3; align-self: start; max-height: 100vh; margin: 0; padding-block: 8px; overflow-y: auto; }
}
@media print {
  nav { display: none; }
  body { display: block; }
  article { break-inside: avoid; }
}
`;
