import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const WEB = new URL("../../dist/web/", import.meta.url);
const MOST_KB = 150;
const ENTRY = /<script [^>]*src="\.\/([^"]+)"/;
const IMPORT = /(?:\bfrom|\bimport)\s*"(\.[^"]+)"/g;

/** The scripts that the page loads before anything is asked: its entry, and what that imports at once. */
function firstScripts(): URL[] {
  const entry = ENTRY.exec(readFileSync(new URL("index.html", WEB), "utf8"))?.[1];
  if (entry === undefined) throw new Error("The page has no script.");
  const scripts = [new URL(entry, WEB)];
  for (const script of scripts) {
    for (const [, path] of readFileSync(script, "utf8").matchAll(IMPORT)) {
      const imported = new URL(path ?? "", script);
      if (!scripts.some(({ href }) => href === imported.href)) scripts.push(imported);
    }
  }
  return scripts;
}

test(`the page's first load has at most ${MOST_KB} KB of JavaScript, gzipped`, () => {
  const sizes = firstScripts().map((script) => gzipSync(readFileSync(script), { level: 9 }).length);
  const size = sizes.reduce((sum, one) => sum + one, 0);
  console.log(`first load: ${size} bytes in ${sizes.length} file(s)`);
  expect(size).toBeGreaterThan(30 * 1024);
  expect(size).toBeLessThanOrEqual(MOST_KB * 1024);
});

test("highlighting and formulas are no part of the first load, and React is built for production", () => {
  const names = firstScripts().map(({ pathname }) => pathname.split("/").at(-1));
  const code = firstScripts()
    .map((script) => readFileSync(script, "utf8"))
    .join("\n");
  expect(names.filter((name) => /^(?:math-draw|highlight|javascript|python)-/.test(name ?? ""))).toEqual([]);
  expect(code).not.toContain("katex-html");
  expect(code).not.toContain("jsxDEV");
  const assets = readdirSync(new URL("assets/", WEB));
  expect(
    assets.filter((name) => /^(?:math-draw|highlight|javascript|python)-.*\.js$/.test(name)).length,
  ).toBe(4);
});
