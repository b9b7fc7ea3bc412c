import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const GUIDE = readFileSync(new URL("docs/guide/security.md", ROOT), "utf8");
const THREATS = (GUIDE.split("\n## Threats\n")[1] ?? "").split("\n## ")[0] ?? "";

const threats = THREATS.split("\n### ")
  .slice(1)
  .map((section) => ({
    name: section.split("\n", 1)[0] ?? "",
    tests: [...section.matchAll(/^- `([^`]+)`: "(.+)"$/gm)].map(([, file = "", title = ""]) => ({
      file,
      title,
    })),
    lines: [...section.matchAll(/^- .*$/gm)].length,
  }));

test("the threat model has its threats", () => {
  expect(threats.length).toBeGreaterThanOrEqual(20);
});

test.each(threats)("each test that is named for a threat exists: $name", ({ tests, lines }) => {
  expect(tests.length).toBeGreaterThan(0);
  expect(tests).toHaveLength(lines);
  for (const { file, title } of tests) {
    expect(existsSync(new URL(file, ROOT)), file).toBe(true);
    expect(readFileSync(new URL(file, ROOT), "utf8"), file).toContain(title);
  }
});
