import { python } from "@codemirror/legacy-modes/mode/python";
import { expect, it } from "vitest";
import { createLineReader } from "../../web/highlight.ts";
import { findLineReader } from "../../web/languages.ts";

it("keeps every character, and remembers over lines what it is in", () => {
  const read = createLineReader(python);
  const lines = ['x = """a', "  # no comment", '"""', "", "def f(): # yes"];
  const runs = lines.map(read);
  expect(runs.map((line) => line.map(({ text }) => text).join(""))).toEqual(lines);
  expect(runs[1]).toEqual([{ text: "  # no comment", kind: "string" }]);
  expect(runs[4]?.find(({ text }) => text.startsWith("def"))?.kind).toBe("keyword");
  expect(runs[4]?.at(-1)).toEqual({ text: "# yes", kind: "comment" });
});

it("leaves a line plain that is too long, or that its parser fails on", () => {
  const read = createLineReader({
    token: () => {
      throw new Error("a bug");
    },
  });
  expect(read("a b")).toEqual([{ text: "a b", kind: undefined }]);
  const long = `"${"x".repeat(3000)}"`;
  expect(createLineReader(python)(long)).toEqual([{ text: long, kind: undefined }]);
});

it("finds a language by the names it has, and at once when it was needed before", async () => {
  expect(findLineReader("klingon")).toBeUndefined();
  expect(findLineReader("")).toBeUndefined();
  expect(await findLineReader("TypeScript")).toBeTypeOf("function");
  expect(findLineReader("ts")).toBeTypeOf("function");
});

it.each(
  "js ts json py sh html xml css scss sql yaml toml rust go c cpp csharp java kotlin ruby swift lua diff docker http ini nginx ps1".split(
    " ",
  ),
)("reads %s without losing a character", async (language) => {
  const read = await findLineReader(language);
  const lines = [
    "// a: [b] = 'c' + \"d\" <e f='g'> # 1.5",
    "FROM x; @media { y: #fff }",
    "",
    "\tend 日本語 😀",
  ];
  expect(
    lines.map((line) =>
      read?.(line)
        .map(({ text }) => text)
        .join(""),
    ),
  ).toEqual(lines);
});
