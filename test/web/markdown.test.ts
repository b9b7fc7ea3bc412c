import { array, assert, constantFrom, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { createSplitter } from "../../web/markdown.ts";
import type { Step } from "../../web/markdown.ts";

/** The document that these pieces make: one line per step, neighbouring texts joined. */
function outline(pieces: string[]): string[] {
  const splitter = createSplitter();
  const steps = pieces.flatMap((piece) => splitter.push(piece));
  return format([...steps, ...splitter.end()]);
}

function format(steps: Step[]): string[] {
  const lines: string[] = [];
  let isText = false;
  for (const step of steps) {
    if (step.type === "text" && isText) lines.push(`${lines.pop() ?? ""}${step.text}`);
    else lines.push(formatStep(step));
    isText = step.type === "text";
  }
  return lines;
}

function formatStep(step: Step): string {
  switch (step.type) {
    case "open": {
      const { kind, ...rest } = step.block;
      return [`<${kind}`, ...Object.values(rest)].join(" ");
    }
    case "item":
      return `${step.number ?? "-"} @${step.depth}`;
    case "row":
      return step.cells.join(" | ");
    case "text":
      return `"${step.text}`;
    case "close":
      return ">";
  }
}

describe("the block splitter", () => {
  it("tells paragraphs, headings and rules apart", () => {
    expect(outline(["# One\ntext\nmore\n\n---\n### Two"])).toEqual([
      "<heading 1",
      '"One',
      ">",
      "<paragraph",
      '"text\nmore',
      ">",
      "<rule",
      ">",
      "<heading 3",
      '"Two',
      ">",
    ]);
  });

  it("keeps code as it is, to the closing fence", () => {
    expect(outline(["```ts\na\n\n  # b\n``\n```\nafter"])).toEqual([
      "<code ts",
      '"a\n\n  # b\n``',
      ">",
      "<paragraph",
      '"after',
      ">",
    ]);
  });

  it("takes code that is not closed yet as code", () => {
    expect(outline(["~~~\nlet x"])).toEqual(["<code ", '"let x', ">"]);
  });

  it("nests lists by their indentation", () => {
    expect(outline(["- a\n  1. b\n     goes on\n  2. c\n\n- d\n\nend"])).toEqual([
      "<list",
      "- @0",
      '"a',
      "1 @1",
      '"b\ngoes on',
      "2 @1",
      '"c',
      "- @0",
      '"d',
      ">",
      "<paragraph",
      '"end',
      ">",
    ]);
  });

  it("does not take a year for a list", () => {
    expect(outline(["It was in\n1995. Then\n"])).toEqual(["<paragraph", '"It was in\n1995. Then', ">"]);
  });

  it("knows a table by its second line", () => {
    expect(outline(["| a | b |\n| - | :-: |\n| 1 \\| 2 | `c` |\n\nend"])).toEqual([
      "<table",
      "a | b",
      "1 | 2 | `c`",
      ">",
      "<paragraph",
      '"end',
      ">",
    ]);
    expect(outline(["| not a table\nat all"])).toEqual(["<paragraph", '"| not a table\nat all', ">"]);
  });

  it("joins the lines of a quote", () => {
    expect(outline(["> a\n> b\n\nc"])).toEqual(["<quote", '"a\nb', ">", "<paragraph", '"c', ">"]);
  });

  it.each(["-", "#", "##", "``", "```ts", "> ", "1", "12.", "| a", "**", "  "])(
    "shows nothing of %j before it is known what it is",
    (begin) => {
      expect(createSplitter().push(begin)).toEqual([]);
    },
  );

  it("gives text out as it arrives", () => {
    const splitter = createSplitter();
    expect(format(splitter.push("Hel"))).toEqual(["<paragraph", '"Hel']);
    expect(format(splitter.push("lo"))).toEqual(['"lo']);
  });

  it("makes the same document however the text is cut", () => {
    const line = constantFrom(
      "text **bold** `code`",
      "# Title",
      "####### seven",
      "- item",
      "  - inner",
      "    more",
      "1. one",
      "7) seven",
      "> quote",
      ">",
      "```js",
      "```",
      "~~~~",
      "---",
      "**",
      "| a | b |",
      "|---|---|",
      "a | b",
      "",
      "   ",
      "\\# no",
      "2025 was",
    );
    const document = array(line, { maxLength: 14 }).map((lines) => lines.join("\n"));
    assert(
      property(document, array(nat({ max: 200 }), { maxLength: 12 }), (text, cuts) => {
        const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((place, index) => text.slice(places[index], place));
        expect(outline(pieces)).toEqual(outline([text]));
      }),
      { numRuns: 500 },
    );
  });

  it("costs the same per token in a long line as in a short one", () => {
    const splitter = createSplitter();
    splitter.push("x");
    for (let count = 0; count < 10_000; count += 1) {
      expect(splitter.push(" word")).toEqual([{ type: "text", text: " word" }]);
    }
  });
});
