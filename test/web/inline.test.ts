import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { parseInline, safeHref } from "../../web/inline.ts";
import type { Inline } from "../../web/inline.ts";

/** A short way to write nodes: *emphasis*, **strong**, `code`, [text](href), / for a break. */
function show(nodes: Inline[]): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case "text":
          return node.text;
        case "code":
          return `{code ${node.text}}`;
        case "break":
          return "{break}";
        case "strong":
        case "emphasis":
        case "strike":
          return `{${node.kind} ${show(node.children)}}`;
        case "math":
          return `{${node.isDisplay ? "display" : "math"}${node.isOpen ? "…" : ""} ${node.source}}`;
        case "link":
          return `{link ${node.href} ${show(node.children)}}`;
      }
    })
    .join("");
}

const closed = (text: string) => show(parseInline(text, false).nodes);
const open = (text: string) => show(parseInline(text, true).nodes);

describe("marks in a text", () => {
  it.each([
    ["a **b** c", "a {strong b} c"],
    ["*a* and _b_", "{emphasis a} and {emphasis b}"],
    ["***a***", "{strong {emphasis a}}"],
    ["**a *b* c**", "{strong a {emphasis b} c}"],
    ["`a**b**`", "{code a**b**}"],
    ["``a ` b``", "{code a ` b}"],
    ["2 * 3 * 4", "2 * 3 * 4"],
    ["snake_case_name", "snake_case_name"],
    ["\\*not\\*", "*not*"],
    ["a  \nb", "a{break}b"],
    ["[t](/docs#a)", "{link /docs#a t}"],
    ['[t](https://a.org "Title")', "{link https://a.org t}"],
    ["[**t**](x)", "{link x {strong t}}"],
    ["![alt](https://a.org/x.png)", "{link https://a.org/x.png alt}"],
    ["[1, 2] and [3]", "[1, 2] and [3]"],
    ["<https://a.org>", "{link https://a.org https://a.org}"],
    ["see https://a.org/b.", "see {link https://a.org/b https://a.org/b}."],
    ["a ** b", "a ** b"],
    ["**never closed", "**never closed"],
    ["<b>html</b>", "<b>html</b>"],
    ["~~a **b**~~ ~c~", "{strike a {strong b}} ~c~"],
    ["see www.a.org/b.", "see {link https://www.a.org/b www.a.org/b}."],
    ["[m](mailto:a@b.org)", "{link mailto:a@b.org m}"],
    ["$x_1 * y_2 * z$ is", "{math x_1 * y_2 * z} is"],
    ["\\(a_1*b*c\\), \\[x\\]", "{math a_1*b*c}, {display x}"],
    ["**so \\(a**2\\)**", "{strong so {math a**2}}"],
    ["a $$\nx\n$$ b", "a {display x} b"],
    ["$2x+3=7$", "{math 2x+3=7}"],
    ["**$x$**", "{strong {math x}}"],
    ["$5 and $6", "$5 and $6"],
    ["$5 to $6, or $7.", "$5 to $6, or $7."],
    ["US$5/US$6, $5/$6, $5-$10", "US$5/US$6, $5/$6, $5-$10"],
    ["**$5** and **$6**", "{strong $5} and {strong $6}"],
    ["$HOME/bin:$PATH and `$a$`", "$HOME/bin:$PATH and {code $a$}"],
    ["costs $$$ or $$", "costs $$$ or $$"],
    ["\\$a$ \\(never closed", "$a$ (never closed"],
  ])("reads %j", (text, shown) => {
    expect(closed(text)).toBe(shown);
  });

  it.each([
    ["a **b", "a {strong b}"],
    ["a **b*", "a {strong b}"],
    ["a **", "a "],
    ["a `b", "a {code b}"],
    ["a `", "a "],
    ["a [b", "a b"],
    ["a [b](https://exam", "a b"],
    ["*a **b", "{emphasis a {strong b}}"],
    ["a ~~b~", "a {strike b}"],
    ["a $x_1 + y", "a $x_1 + y"],
    ["a $5 for **b", "a $5 for {strong b}"],
    ["a \\(x_1 +", "a {math… x_1 +}"],
  ])("takes %j as if its mark were closed while the text goes on", (text, shown) => {
    expect(open(text)).toBe(shown);
  });

  it("makes no link of an address that is not safe", () => {
    expect(closed("[x](javascript:alert)")).toBe("x");
    expect(safeHref("java\nscript:alert(1)")).toBeUndefined();
    expect(safeHref(" JavaScript:alert(1)")).toBeUndefined();
    expect(safeHref("data:text/html,x")).toBeUndefined();
    expect(safeHref("")).toBeUndefined();
    expect(safeHref("HTTPS://a.org")).toBe("HTTPS://a.org");
    expect(safeHref("docs/guide.md#a:b")).toBe("docs/guide.md#a:b");
  });

  it("reads what is settled the same whatever comes later", () => {
    const piece = constantFrom(
      "word ",
      "a",
      "**",
      "*",
      "_",
      "`",
      "[",
      "](",
      ")",
      "https://a.org",
      "\n",
      "  ",
      "\\",
      "!",
      "$",
      "~~",
      "\\(",
      "\\)",
      "5",
    );
    const text = array(piece, { maxLength: 16 }).map((pieces) => pieces.join(""));
    assert(
      property(text, text, (before, after) => {
        const { settled } = parseInline(before, true);
        const whole = `${before}${after}`;
        const apart = `${closed(whole.slice(0, settled))}${closed(whole.slice(settled))}`;
        expect(apart).toBe(closed(whole));
      }),
      { numRuns: 2000 },
    );
  });

  it("leaves little to be read again in a long text", () => {
    const text = "word **bold** and `code`, then more. ".repeat(500);
    expect(text.length - parseInline(text, true).settled).toBeLessThan(40);
    const unclosed = `**never closed ${"word ".repeat(1000)}`;
    expect(unclosed.length - parseInline(unclosed, true).settled).toBeLessThan(40);
  });
});
