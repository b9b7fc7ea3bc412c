import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const GUIDES = readdirSync(join(ROOT, "docs/guide")).map((name) => `docs/guide/${name}`);
const EXAMPLES = readdirSync(join(ROOT, "examples"));

/** What guides quote: the name of an example in a sentence, and the code right below it. */
const quotes = GUIDES.flatMap((guide) =>
  [...read(guide).matchAll(/`examples\/([\w.-]+)`[^`]*```\w+\n(.*?)```/gs)].map(
    ([, example = "", code = ""]) => ({ guide, example, code }),
  ),
);

test.each(quotes)("$guide quotes examples/$example word for word", ({ example, code }) => {
  expect(code).toBe(read(`examples/${example}`));
});

test("each program among the examples is quoted", () => {
  const programs = EXAMPLES.filter((name) => /\.tsx?$/.test(name));
  expect(quotes.map(({ example }) => example).toSorted()).toEqual(programs.toSorted());
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
    expect(["millrace", "millrace/client", "millrace/client/live", "millrace/react"]).toContain(from);
});
