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
    case "row":
      return step.cells.join(" | ");
    case "text":
      return `"${step.text}`;
    case "close":
      return ">";
  }
}

/** The document in one line: blocks that hold blocks in parentheses, text in brackets, rows in braces. */
function tree(text: string): string {
  return outline([text])
    .map((line) => {
      if (line === ">") return ")";
      if (line.startsWith('"')) return `[${line.slice(1)}]`;
      return line.startsWith("<") ? ` ${line.slice(1)}(` : `{${line}}`;
    })
    .join("")
    .replaceAll(/\((\[[^]*?\]|\{.*?\}|)\)(?=[ )]|$)/g, "$1")
    .replaceAll("paragraph", "p")
    .replaceAll("( ", "(")
    .trim();
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
    expect(tree("- a\n  1. b\n     goes on\n  2. c\n\n- d\n\nend")).toBe(
      "list(item(p[a] list 1(item(p[b\ngoes on]) item(p[c]))) item(p[d])) p[end]",
    );
    expect(tree("1. a\n  - b\n      - c\n  - d\n2. e")).toBe(
      "list 1(item(p[a] list(item(p[b] list(item(p[c]))) item(p[d]))) item(p[e]))",
    );
  });

  it("keeps paragraphs, code, quotes and tables inside an item", () => {
    expect(
      tree("1. a\n\n   b\n   ```js\n   x\n     y\n   ```\n   > q\n\n   | h |\n   |---|\n   | c |\n2. d"),
    ).toBe("list 1(item(p[a] p[b] code js[x\n  y] quote(p[q]) table none{h}{c}) item(p[d]))");
  });

  it("begins another list where the marker is another", () => {
    expect(tree("- a\n* b\n1. c\n1) d")).toBe(
      "list(item(p[a])) list(item(p[b])) list 1(item(p[c])) list 1(item(p[d]))",
    );
    expect(tree("3. a\n4. b")).toBe("list 3(item(p[a]) item(p[b]))");
  });

  it("tells what is done in a list of tasks", () => {
    expect(tree("- [ ] a\n- [x] b\n- [link](x)")).toBe(
      "list(item false(p[a]) item true(p[b]) item(p[[link](x)]))",
    );
  });

  it("keeps blocks inside a quote, and quotes inside a quote", () => {
    expect(tree("> # h\n> - a\n>   - b\n>\n> ```\n> x\n> ```\n> > deep\n\n> other")).toBe(
      "quote(heading 1[h] list(item(p[a] list(item(p[b])))) code [x] quote(p[deep])) quote(p[other])",
    );
    expect(tree("> a\nlazy\n\nb")).toBe("quote(p[a\nlazy]) p[b]");
  });

  it("gives formulas that stand alone their own block", () => {
    expect(tree("so\n$$\na\n+ b\n$$\nand\n\\[ c \\]\nend")).toBe("p[so] math[a\n+ b] p[and] math[c] p[end]");
    expect(tree("$$a$$ is inline")).toBe("p[$$a$$ is inline]");
    expect(tree("$$\na\n\nb")).toBe("math[a] p[b]");
    expect(tree("- a\n  $$\n  x\n  $$")).toBe("list(item(p[a] math[x]))");
  });

  it("does not take a year for a list", () => {
    expect(outline(["It was in\n1995. Then\n"])).toEqual(["<paragraph", '"It was in\n1995. Then', ">"]);
  });

  it("knows a table by its second line", () => {
    expect(outline(["| a | b |\n| - | :-: |\n| 1 \\| 2 | `c` |\n\nend"])).toEqual([
      "<table none,center",
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
    expect(outline(["> a\n> b\n\nc"])).toEqual([
      "<quote",
      "<paragraph",
      '"a\nb',
      ">",
      ">",
      "<paragraph",
      '"c',
      ">",
    ]);
  });

  it.each(["-", "#", "##", "``", "```ts", "> ", "1", "12.", "| a", "**", "  ", "- [", "> - ", "$$a", "\\["])(
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
      "    1. deep",
      "- [ ] task",
      "> - quoted",
      "  > inside",
      "    ```",
      "$$",
      "$$ x $$",
      "\\[",
      "x \\]",
      "|:-:|--:|",
      "\t- tab",
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
    const document = array(line, { maxLength: 16 }).map((lines) => lines.join("\n"));
    assert(
      property(document, array(nat({ max: 200 }), { maxLength: 12 }), (text, cuts) => {
        const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((place, index) => text.slice(places[index], place));
        expect(outline(pieces)).toEqual(outline([text]));
      }),
      { numRuns: 2000 },
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
