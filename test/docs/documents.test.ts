import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ERRORS } from "../../src/protocol/error.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const documents = [
  "README.md",
  "PROTOCOL.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CHANGELOG.md",
].concat(
  readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
);

test("the table of errors in PROTOCOL.md is the table in the code", () => {
  const rows = [...read("PROTOCOL.md").matchAll(/^\| `([a-z-]+)` +\| (\d{3}) +\| (yes|no) +\|/gm)];
  const table = Object.fromEntries(
    rows.map(([, code, status, retryable]) => [
      code,
      { status: Number(status), retryable: retryable === "yes" },
    ]),
  );
  expect(table).toEqual(ERRORS);
});

test("what a docstring cites of PROTOCOL.md stands there", () => {
  const titles = new Set([...read("PROTOCOL.md").matchAll(/^#+ (.+)$/gm)].map(([, title]) => title));
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const cited = sources.flatMap((path) =>
    [...read(join("src", path)).matchAll(/PROTOCOL\.md "([^"]+)"/g)].map(([, title]) => title),
  );
  expect(cited.length).toBeGreaterThan(5);
  expect(cited.filter((title) => !titles.has(title))).toEqual([]);
});

test.each(documents)("the links of %s lead somewhere", (path) => {
  for (const [, target = ""] of read(path).matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)) {
    const [file = "", anchor] = target.split("#", 2);
    const text = readFileSync(file === "" ? join(ROOT, path) : join(ROOT, dirname(path), file), "utf8");
    if (anchor !== undefined) expect(anchorsOf(text), `${path} → ${target}`).toContain(anchor);
  }
});

test("JSON examples are JSON", () => {
  const examples = documents.flatMap((path) =>
    [...read(path).matchAll(/```json\n(.*?)```/gs)].map(([, text = ""]) => text),
  );
  expect(examples.length).toBeGreaterThan(0);
  for (const text of examples) expect(() => JSON.parse(text) as unknown).not.toThrow();
});

function clientIn(path: string): string | undefined {
  return /```html\n(.*?)```/s.exec(read(path))?.[1];
}

test("the one-line client is the same wherever it is shown", () => {
  expect(clientIn("README.md")).toContain("new EventSource");
  expect(clientIn("docs/guide/getting-started.md")).toBe(clientIn("README.md"));
});

test("each setting of the command is documented", async () => {
  const { SETTINGS } = await import("../../src/cli/config.ts");
  for (const { name } of SETTINGS) expect(read("docs/guide/running-it.md")).toContain(`\`--${name}\``);
});

/** As GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );
}
