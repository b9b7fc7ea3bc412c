/** What a block of text is. */
export type Block =
  | { kind: "paragraph" }
  | { kind: "heading"; level: number }
  | { kind: "code"; language: string }
  | { kind: "quote" }
  | { kind: "list" }
  | { kind: "table" }
  | { kind: "rule" };

/** One step in the building of a document. Steps are only ever added: what was said stays said. */
export type Step =
  | { type: "open"; block: Block }
  /** A list's next item: `depth` 0 is the list itself; `number` is there in a numbered list. */
  | { type: "item"; depth: number; number?: number }
  /** A table's next row, the first one being its head. */
  | { type: "row"; cells: string[] }
  /** Text of the block, item or code that is open. */
  | { type: "text"; text: string }
  | { type: "close" };

export interface Splitter {
  push: (text: string) => Step[];
  /** The text is over: what was held back comes out. */
  end: () => Step[];
}

/** A line that is held back longer than this is text. */
const LONGEST_HELD = 4096;
const HARD_BREAK = "  \n";

const FENCE = /^(`{3,}|~{3,})([^`]*)$/;
const RULE = /^([-*_])([ \t]*\1){2,}[ \t]*$/;
const HEADING = /^(#{1,6})(?:[ \t]+(.*))?$/s;
const ITEM = /^(?:[-*+]|(\d{1,9})[.)])[ \t]+(\S.*)$/s;
const SEPARATOR = /^\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/** What the beginning of a line can be while it may still become something else than text. */
const UNDECIDED = [
  /^$/, // indentation
  /^#{1,6}[ \t]*$/, // a heading
  /^([-*_])([ \t]*\1)*[ \t]*$/, // a rule, an item, or bold
  /^(?:\+|\d{1,9}[.)]?)[ \t]*$/, // an item
  /^>[ \t]?$/, // a quote
  /^`{1,2}$|^`{3,}[^`]*$/, // a fence
  /^~{1,2}$|^~{3,}/,
  /^\|/, // a table, known by its whole line
];

/** Splits markdown into blocks while it arrives. Each character is looked at once, so a token costs the same in a long
 *  answer; a line's beginning is held back until it is known what it is, so no raw marker is ever shown. Any split of
 *  the text into pieces gives the same document. */
export function createSplitter(): Splitter {
  let steps: Step[] = [];
  let open: Block["kind"] | undefined;
  let held = "";
  let isMidLine = false;
  let isAfterBlank = false;
  let isFirstCodeLine = false;
  let fence = { mark: "", indent: 0 };
  let indents: number[] = [];
  let tableHead: string | undefined;

  const say = (text: string) => {
    if (text !== "") steps.push({ type: "text", text });
  };
  const close = () => {
    if (open !== undefined) steps.push({ type: "close" });
    open = undefined;
    isAfterBlank = false;
  };
  const begin = (block: Block) => {
    close();
    open = block.kind;
    steps.push({ type: "open", block });
  };

  const isClosingFence = (body: string) =>
    body.startsWith(fence.mark) && body.trimEnd() === (fence.mark[0] ?? "").repeat(body.trimEnd().length);

  const isUndecided = (line: string) => {
    if (line.length > LONGEST_HELD) return false;
    const body = line.trimStart();
    if (open === "code") {
      const mark = fence.mark[0] ?? "";
      return body.trimEnd() === mark.repeat(body.trimEnd().length);
    }
    if (tableHead !== undefined || open === "table") return true;
    return UNDECIDED.some((pattern) => pattern.test(body));
  };

  const startLine = (line: string, isWhole: boolean) => {
    isMidLine = !isWhole;
    const body = line.trimStart();
    const indent = line.slice(0, line.length - body.length).replaceAll("\t", "    ").length;
    if (open === "code") return codeLine(line, body, indent, isWhole);
    if (tableHead !== undefined && tableLine(body, isWhole)) return undefined;
    if (body === "") return blankLine();
    return textLine(body, indent, isWhole);
  };

  const codeLine = (line: string, body: string, indent: number, isWhole: boolean) => {
    if (isWhole && isClosingFence(body)) return close();
    const text = line.slice(Math.min(indent, fence.indent));
    say(isFirstCodeLine ? text : `\n${text}`);
    isFirstCodeLine = false;
  };

  /** The line after one that may be a table's head; false if it is none, and the head was text. */
  const tableLine = (body: string, isWhole: boolean) => {
    const head = tableHead ?? "";
    tableHead = undefined;
    if (isWhole && body.includes("-") && SEPARATOR.test(body)) {
      begin({ kind: "table" });
      steps.push({ type: "row", cells: splitRow(head) });
      return true;
    }
    begin({ kind: "paragraph" });
    say(head);
    return false;
  };

  const blankLine = () => {
    if (open === "list" || open === "quote") isAfterBlank = true;
    else close();
  };

  const textLine = (body: string, indent: number, isWhole: boolean) => {
    const fenceMatch = isWhole ? FENCE.exec(body) : null;
    if (fenceMatch !== null) {
      begin({ kind: "code", language: fenceMatch[2]?.trim().split(/\s/)[0] ?? "" });
      fence = { mark: fenceMatch[1] ?? "", indent };
      isFirstCodeLine = true;
      return;
    }
    if (isWhole && RULE.test(body)) {
      begin({ kind: "rule" });
      return close();
    }
    const heading = HEADING.exec(body);
    if (heading !== null) {
      begin({ kind: "heading", level: heading[1]?.length ?? 1 });
      say(heading[2] ?? "");
      if (isWhole) close();
      return;
    }
    if (body.startsWith(">")) return quoteLine(body.slice(1).replace(/^[ \t]/, ""));
    const item = ITEM.exec(body);
    // Only a list that begins at 1 may interrupt a paragraph: a line that begins with a year is text.
    if (item !== null && (open !== "paragraph" || item[1] === undefined || item[1] === "1")) {
      return itemLine(item[2] ?? "", item[1], indent);
    }
    if (open === "table" && body.includes("|") && isWhole) {
      steps.push({ type: "row", cells: splitRow(body) });
      return;
    }
    if (body.startsWith("|") && isWhole) {
      close();
      tableHead = body;
      return;
    }
    plainLine(body, indent);
  };

  const quoteLine = (text: string) => {
    if (open !== "quote" || isAfterBlank) begin({ kind: "quote" });
    else say(text.trim() === "" ? HARD_BREAK : "\n");
    say(text);
  };

  const itemLine = (text: string, number: string | undefined, indent: number) => {
    if (open !== "list") {
      begin({ kind: "list" });
      indents = [indent];
    }
    isAfterBlank = false;
    while (indents.length > 1 && indent < (indents.at(-1) ?? 0)) indents.pop();
    if (indent >= (indents.at(-1) ?? 0) + 2) indents.push(indent);
    const depth = indents.length - 1;
    steps.push(
      number === undefined ? { type: "item", depth } : { type: "item", depth, number: Number(number) },
    );
    say(text);
  };

  const plainLine = (body: string, indent: number) => {
    if (open === "list" && (!isAfterBlank || indent >= 2)) {
      say(isAfterBlank ? HARD_BREAK : "\n");
      isAfterBlank = false;
    } else if (open === "paragraph") say("\n");
    else begin({ kind: "paragraph" });
    say(body);
  };

  const feed = (piece: string, isEnded: boolean) => {
    if (isMidLine) {
      say(piece);
      if (isEnded) isMidLine = false;
      if (isEnded && open === "heading") close();
      return;
    }
    held += piece;
    if (!isEnded && isUndecided(held)) return;
    const line = held;
    held = "";
    startLine(line, isEnded);
  };

  const take = () => {
    const taken = steps;
    steps = [];
    return taken;
  };

  return {
    push(text) {
      const lines = text.replaceAll("\r", "").split("\n");
      for (const [index, line] of lines.entries()) feed(line, index < lines.length - 1);
      return take();
    },
    end() {
      if (held !== "" && (open !== "code" || !isClosingFence(held.trimStart()))) startLine(held, true);
      if (tableHead !== undefined) {
        begin({ kind: "paragraph" });
        say(tableHead);
      }
      close();
      held = "";
      tableHead = undefined;
      isMidLine = false;
      return take();
    },
  };
}

function splitRow(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}
