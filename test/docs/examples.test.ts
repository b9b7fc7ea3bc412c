import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const GUIDES = readdirSync(join(ROOT, "docs/guide")).map((name) => `docs/guide/${name}`);
/** What lies in a folder of its own is a page to look at, longer than what a guide quotes. */
const EXAMPLES = readdirSync(join(ROOT, "examples")).filter((name) => name.includes("."));

/** What guides quote: the name of an example in a sentence, and the code right below it. */
const quotes = GUIDES.flatMap((guide) =>
  [...read(guide).matchAll(/`examples\/([\w./-]+)`[^`]*```\w+\n(.*?)```/gs)].map(
    ([, example = "", code = ""]) => ({ guide, example, code }),
  ),
);

test.each(quotes)("$guide quotes examples/$example word for word", ({ example, code }) => {
  expect(code).toBe(read(`examples/${example}`));
});

test("each program among the examples is quoted", () => {
  // That page is quoted in parts: see below.
  const programs = EXAMPLES.filter((name) => name !== "one-line-client.html");
  const quoted = quotes.map(({ example }) => example).filter((name) => !name.includes("/"));
  expect(quoted.toSorted()).toEqual(programs.toSorted());
});

test("the page among the examples is the one-line client of the README", () => {
  const [, client = "nothing"] = /```html\n(.*?)```/s.exec(read("README.md")) ?? [];
  expect(read("examples/one-line-client.html")).toContain(client);
});

test.each(EXAMPLES)("examples/%s is short, and uses public names only", (name) => {
  const code = read(`examples/${name}`);
  expect(code.split("\n").length).toBeLessThanOrEqual(60);
  const own = [...code.matchAll(/from "(\.[^"]*|millrace[^"]*)"/g)].map(([, from]) => from);
  for (const from of own)
    expect([
      "millrace",
      "millrace/ai-sdk",
      "millrace/client",
      "millrace/client/live",
      "millrace/client/renewal",
      "millrace/react",
    ]).toContain(from);
});
