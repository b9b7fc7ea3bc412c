/** What a block of text is. Quotes, lists and items hold other blocks; the others hold text, rows or nothing. */
export type Block =
  | { kind: "paragraph" }
  | { kind: "heading"; level: number }
  | { kind: "code"; language: string }
  | { kind: "quote" }
  /** `start` is there in a numbered list. */
  | { kind: "list"; start?: number }
  /** `isDone` is there in a list of tasks. */
  | { kind: "item"; isDone?: boolean }
  | { kind: "table"; aligns: Align[] }
  | { kind: "math" }
  | { kind: "rule" };

export type Align = "left" | "center" | "right" | "none";

/** One step in the building of a document. Steps are only ever added: what was said stays said. */
export type Step =
  /** A block begins inside the one that is open. */
  | { type: "open"; block: Block }
  /** A table's next row, the first one being its head. */
  | { type: "row"; cells: string[] }
  /** Text of the block that is open. */
  | { type: "text"; text: string }
  /** The innermost open block ends. */
  | { type: "close" };

export interface Splitter {
  push: (text: string) => Step[];
  /** The text is over: what was held back comes out. */
  end: () => Step[];
}

/** A line that is held back longer than this is text. */
const LONGEST_HELD = 4096;
/** An answer nests a few levels; what nests deeper is text. */
const DEEPEST = 48;

const FENCE = /^(`{3,}|~{3,})([^`]*)$/;
const RULE = /^([-*_])([ \t]*\1){2,}[ \t]*$/;
const HEADING = /^(#{1,6})(?:[ \t]+(.*))?$/s;
const ITEM = /^(?:([-*+])|(\d{1,9})([.)]))([ \t]+|$)/;
const TASK = /^\[([ xX])\][ \t]+/;
const SEPARATOR = /^\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/** What the beginning of a line can be while it may still become something else than text. */
const UNDECIDED = [
  /^$/, // indentation
  /^#{1,6}[ \t]*$/, // a heading
  /^([-*_])([ \t]*\1)*[ \t]*$/, // a rule, an item, or bold
  /^(?:\+|\d{1,9}[.)]?)[ \t]*$/, // an item
  /^`{1,2}$|^`{3,}[^`]*$/, // a fence
  /^~{1,2}$|^~{3,}/,
  /^\|/, // a table, known by its whole line
  /^\$$|^\$\$|^\\$|^\\\[/, // a formula, as well
];

/** A block that holds blocks. An item's `indent` is where its marker stands, `content` where its text does. */
type Frame =
  | { kind: "quote" }
  | { kind: "list"; mark: string }
  | { kind: "item"; indent: number; content: number };

/** A quote or an item that begins in a line. */
type Start =
  | { kind: "quote" }
  | { kind: "item"; mark: string; number?: number; isDone?: boolean; indent: number; content: number };

/** How a line reads: how many of the open frames go on in it, what begins in it, and what is left. */
interface Line {
  matched: number;
  starts: Start[];
  rest: string;
}

/** Splits markdown into blocks while it arrives. Each character is looked at once, so a token costs the same in a long
 *  answer; a line's beginning is held back until it is known what it is, so no raw marker is ever shown. Any split of
 *  the text into pieces gives the same document.
 *  Law: CommonMark and GFM, but code is always fenced, a table begins with a bar, and an item goes on at an indentation
 *       of two: models are careless there. */
export function createSplitter(): Splitter {
  let steps: Step[] = [];
  let frames: Frame[] = [];
  let leaf: Exclude<Block["kind"], Frame["kind"]> | undefined;
  let held = "";
  let isMidLine = false;
  let isFirstLine = false;
  let fence = { mark: "", indent: 0 };
  let mathEnd = "";
  let tableHead: string | undefined;

  const say = (text: string) => {
    if (text !== "") steps.push({ type: "text", text });
  };
  const closeLeaf = () => {
    if (tableHead !== undefined) {
      const text = tableHead;
      tableHead = undefined;
      begin({ kind: "paragraph" });
      say(text);
    }
    if (leaf !== undefined) steps.push({ type: "close" });
    leaf = undefined;
  };
  const begin = (block: Block & { kind: NonNullable<typeof leaf> }) => {
    closeLeaf();
    leaf = block.kind;
    steps.push({ type: "open", block });
  };
  const leave = (depth: number) => {
    if (frames.length > depth) closeLeaf();
    while (frames.length > depth) {
      frames.pop();
      steps.push({ type: "close" });
    }
  };

  /** Reads a line up to its leaf; undefined while it may still become something else. */
  const readLine = (line: string, isWhole: boolean): Line | undefined => {
    let rest = line;
    let matched = 0;
    for (const frame of frames) {
      const body = rest.trimStart();
      if (body === "" && !isWhole) return undefined;
      if (frame.kind === "quote") {
        if (body === ">" && !isWhole) return undefined;
        if (!body.startsWith(">")) break;
        rest = body.slice(1).replace(/^[ \t]/, "");
      } else if (frame.kind === "item") {
        const isInside = body === "" || leaf === "code" || indentOf(rest) >= frame.indent + 2;
        if (!isInside) break;
        rest = dedent(rest, frame.content);
      }
      matched += 1;
    }
    const isSame = matched === frames.length;
    if (isSame && leaf === "code") {
      const body = rest.trim();
      const mayClose = body === (fence.mark[0] ?? "").repeat(body.length);
      return mayClose && !isWhole ? undefined : { matched, starts: [], rest };
    }
    if (!isWhole && (leaf === "table" || leaf === "math" || tableHead !== undefined)) return undefined;
    const starts: Start[] = [];
    if (isSame && leaf === "math") return { matched, starts, rest };
    while (matched + starts.length < DEEPEST) {
      const body = rest.trimStart();
      if (body.startsWith(">")) {
        if (body === ">" && !isWhole) return undefined;
        starts.push({ kind: "quote" });
        rest = body.slice(1).replace(/^[ \t]/, "");
        continue;
      }
      const item = RULE.test(body) ? undefined : readItem(rest);
      if (item === undefined) break;
      if (!isWhole && (item.rest.trim() === "" || /^\[[ xX]?\]?[ \t]*$/.test(item.rest))) return undefined;
      // Only a list that begins at 1 may interrupt a paragraph: a line that begins with a year is text.
      const isInParagraph = isSame && starts.length === 0 && leaf === "paragraph";
      const mayInterrupt = item.rest !== "" && (item.start.number ?? 1) === 1;
      if (isInParagraph && !mayInterrupt) break;
      starts.push(item.start);
      rest = item.rest;
    }
    const body = rest.trimStart();
    if (!isWhole && UNDECIDED.some((pattern) => pattern.test(body))) return undefined;
    return { matched, starts, rest };
  };

  const startLine = ({ matched, starts, rest }: Line, isWhole: boolean) => {
    const body = rest.trimStart();
    const isSame = matched === frames.length;
    if (isSame && leaf === "code") return codeLine(rest, isWhole);
    if (isSame && leaf === "math") return mathLine(rest);
    if (isSame && starts.length === 0 && tableHead !== undefined && tableLine(body, isWhole))
      return undefined;
    const isText = starts.length === 0 && !isLeafStart(body, isWhole);
    // A paragraph goes on in a line that has lost its quote or its indentation.
    if (isText && body !== "" && leaf === "paragraph") return say(`\n${body}`);
    const first = starts[0];
    const list = frames[matched - 1];
    const isSibling = first?.kind === "item" && list?.kind === "list" && list.mark === first.mark;
    leave(list?.kind === "list" && !isSibling ? matched - 1 : matched);
    for (const start of starts) enter(start);
    if (body === "") return closeLeaf();
    return leafLine(body, indentOf(rest), isWhole);
  };

  const enter = (start: Start) => {
    closeLeaf();
    if (start.kind === "quote") {
      frames.push(start);
      steps.push({ type: "open", block: { kind: "quote" } });
      return;
    }
    const { mark, number, isDone, indent, content } = start;
    if (frames.at(-1)?.kind !== "list") {
      frames.push({ kind: "list", mark });
      steps.push({
        type: "open",
        block: { kind: "list", ...(number !== undefined && { start: number }) },
      });
    }
    frames.push({ kind: "item", indent, content });
    steps.push({ type: "open", block: { kind: "item", ...(isDone !== undefined && { isDone }) } });
  };

  const codeLine = (rest: string, isWhole: boolean) => {
    if (isWhole && isClosingFence(rest.trim())) return closeLeaf();
    const text = dedent(rest, fence.indent);
    say(isFirstLine ? text : `\n${text}`);
    isFirstLine = false;
  };

  const isClosingFence = (body: string) =>
    body.startsWith(fence.mark) && body === (fence.mark[0] ?? "").repeat(body.length);

  const mathLine = (rest: string) => {
    const line = rest.trim();
    // TeX has no empty line in a formula: this one was never closed.
    if (line === "") return closeLeaf();
    const isEnd = line.endsWith(mathEnd);
    const text = isEnd ? line.slice(0, -mathEnd.length).trimEnd() : line;
    say(isFirstLine || text === "" ? text : `\n${text}`);
    isFirstLine &&= text === "";
    if (isEnd) closeLeaf();
  };

  /** The line after one that may be a table's head; false if it is none, and the head was text. */
  const tableLine = (body: string, isWhole: boolean) => {
    const head = tableHead ?? "";
    tableHead = undefined;
    const cells = splitRow(head);
    const aligns = isWhole && body.includes("-") && SEPARATOR.test(body) ? splitRow(body).map(alignOf) : [];
    if (aligns.length === cells.length) {
      begin({ kind: "table", aligns });
      steps.push({ type: "row", cells });
      return true;
    }
    begin({ kind: "paragraph" });
    say(head);
    return false;
  };

  const leafLine = (body: string, indent: number, isWhole: boolean) => {
    const fenceMatch = isWhole ? FENCE.exec(body) : null;
    if (fenceMatch !== null) {
      begin({ kind: "code", language: fenceMatch[2]?.trim().split(/[\s{]/)[0] ?? "" });
      fence = { mark: fenceMatch[1] ?? "", indent };
      isFirstLine = true;
      return;
    }
    if (isWhole && RULE.test(body)) {
      begin({ kind: "rule" });
      return closeLeaf();
    }
    const math = isWhole ? readMath(body) : undefined;
    if (math !== undefined) {
      begin({ kind: "math" });
      say(math.text);
      mathEnd = math.end;
      isFirstLine = math.text === "";
      return math.isClosed ? closeLeaf() : undefined;
    }
    const heading = HEADING.exec(body);
    if (heading !== null) {
      begin({ kind: "heading", level: heading[1]?.length ?? 1 });
      say(heading[2] ?? "");
      return isWhole ? closeLeaf() : undefined;
    }
    if (isWhole && leaf === "table" && body.includes("|")) {
      steps.push({ type: "row", cells: splitRow(body) });
      return;
    }
    if (isWhole && body.startsWith("|")) {
      closeLeaf();
      tableHead = body;
      return;
    }
    begin({ kind: "paragraph" });
    say(body);
  };

  const feed = (piece: string, isEnded: boolean) => {
    if (isMidLine) say(piece);
    else {
      held += piece;
      const isLong = held.length > LONGEST_HELD;
      const line = readLine(held, isEnded && !isLong) ?? (isLong ? longLine(held) : undefined);
      if (line === undefined) return;
      held = "";
      isMidLine = true;
      startLine(line, isEnded && !isLong);
    }
    if (!isEnded) return;
    isMidLine = false;
    if (leaf === "heading") closeLeaf();
  };

  /** What was held back for so long belongs where the text is. */
  const longLine = (line: string): Line => {
    if (leaf === "table" || leaf === "math" || tableHead !== undefined) closeLeaf();
    return { matched: frames.length, starts: [], rest: line };
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
      if (held !== "") feed("", true);
      leave(0);
      closeLeaf();
      frames = [];
      held = "";
      isMidLine = false;
      return take();
    },
  };
}

/** A list's item at the beginning of a text, and what follows its marker. */
function readItem(text: string): { start: Start & { kind: "item" }; rest: string } | undefined {
  const body = text.trimStart();
  const match = ITEM.exec(body);
  if (match === null) return undefined;
  const [whole, bullet, number, delimiter = "", space = ""] = match;
  const indent = indentOf(text);
  const task = TASK.exec(body.slice(whole.length));
  const start = {
    kind: "item" as const,
    mark: bullet ?? delimiter,
    ...(number !== undefined && { number: Number(number) }),
    ...(task !== null && { isDone: task[1] !== " " }),
    indent,
    content: indent + whole.length - space.length + Math.min(Math.max(space.length, 1), 4),
  };
  return { start, rest: body.slice(whole.length + (task?.[0].length ?? 0)) };
}

/** A formula that has its lines for itself: `$$` or `\[` begins the line, and nothing follows the end. */
function readMath(body: string): { text: string; end: string; isClosed: boolean } | undefined {
  const end = body.startsWith("$$") ? "$$" : body.startsWith("\\[") ? "\\]" : undefined;
  if (end === undefined) return undefined;
  const rest = body.slice(2).trim();
  const at = rest.indexOf(end);
  if (at === -1) return rest.startsWith("$") ? undefined : { text: rest, end, isClosed: false };
  const after = rest.slice(at + 2);
  return at > 0 && /^[.,;]?$/.test(after)
    ? { text: rest.slice(0, at).trim(), end, isClosed: true }
    : undefined;
}

/** Whether a line's text is something else than text. */
function isLeafStart(body: string, isWhole: boolean): boolean {
  return (
    HEADING.test(body) ||
    (isWhole && (FENCE.test(body) || RULE.test(body) || body.startsWith("|") || readMath(body) !== undefined))
  );
}

/** How many columns a text is indented by; a tab is four. */
function indentOf(text: string): number {
  let columns = 0;
  for (const char of text) {
    if (char === " ") columns += 1;
    else if (char === "\t") columns += 4;
    else break;
  }
  return columns;
}

/** Takes away so many columns of indentation, or what there is of it. */
function dedent(text: string, columns: number): string {
  let left = columns;
  let at = 0;
  while (left > 0) {
    const char = text.charAt(at);
    if (char !== " " && char !== "\t") break;
    left -= char === "\t" ? 4 : 1;
    at += 1;
  }
  return " ".repeat(Math.max(0, -left)) + text.slice(at);
}

function splitRow(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function alignOf(cell: string): Align {
  const isLeft = cell.startsWith(":");
  const isRight = cell.endsWith(":");
  return isLeft && isRight ? "center" : isRight ? "right" : isLeft ? "left" : "none";
}
