/** A piece of a line of text. */
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "break" }
  | { kind: "strong" | "emphasis" | "strike"; children: Inline[] }
  /** A formula in TeX. `isOpen` while its end has not come. */
  | { kind: "math"; source: string; isDisplay: boolean; isOpen: boolean }
  | { kind: "link"; href: string; children: Inline[] };

export interface InlineText {
  nodes: Inline[];
  /** Up to here nothing that comes later can change how the source reads. */
  settled: number;
}

/** How far a closing mark may be from its opening one. It bounds what is read again with each token. */
const LONGEST_SPAN = 1500;
const LONGEST_LINK = 600;
const LONGEST_MATH = 600;

const TARGET =
  /^\([ \t]*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'))?[ \t]*\)/;
/** Every beginning of a target, and little else. */
const TARGET_BEGUN = /^\([ \t]*<?[^\s<>]*>?(?:[ \t]+(?:"[^"\n]*"?|'[^'\n]*'?)?[ \t]*)?$/;

/** A dollar before this is a price. */
const PRICE = /^\d[\d.,]*[kKMB]?[,;:]?\s+\p{L}{2}/u;
/** What would be shown raw if text after a dollar waited for another. */
const OTHER_MARKS = /\*\*|~~|\[|(?:^|\s)[*_~]|https?:/;

/** Reads emphasis, code, links and formulas in a block's text.
 *  Shape: with `isOpen` the text may go on: a mark that is not closed yet is taken as if it were, so that the marks
 *         themselves are never shown and taken away again. */
export function parseInline(source: string, isOpen: boolean): InlineText {
  const reader = new Reader(source, isOpen);
  return { nodes: reader.read(), settled: reader.settled };
}

/** The address of a link if it is safe to follow: http, https, mailto or relative; otherwise undefined. */
export function safeHref(href: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- browsers pass over these characters inside a scheme
  const plain = href.replaceAll(/[\u0000-\u0020\u007f]/g, "");
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(plain)?.[1]?.toLowerCase();
  return plain !== "" && (scheme === undefined || SCHEMES.has(scheme)) ? plain : undefined;
}

const SCHEMES = new Set(["http", "https", "mailto"]);

class Reader {
  settled = 0;
  readonly #source: string;
  readonly #isOpen: boolean;
  readonly #nodes: Inline[] = [];
  #text = "";
  #at = 0;
  /** Something that may still become a formula lies behind. */
  #isBlocked = false;

  constructor(source: string, isOpen: boolean) {
    this.#source = source;
    this.#isOpen = isOpen;
  }

  read(): Inline[] {
    const source = this.#source;
    while (this.#at < source.length) {
      const from = this.#at;
      this.#step(source.charAt(from));
      // A literal step is at least one character long; a construct that waits for its end goes to the end.
      if (this.#at === from) this.#literal(1);
    }
    this.#flush();
    if (!this.#isOpen) this.settled = source.length;
    return this.#nodes;
  }

  #step(char: string): void {
    switch (char) {
      case "\\":
        return this.#escape();
      case "\n":
        return this.#newline();
      case "`":
        return this.#code();
      case "$":
        return this.#dollar();
      case "*":
      case "_":
      case "~":
        return this.#emphasis(char);
      case "!":
        return this.#source.charAt(this.#at + 1) === "[" ? this.#link(2) : this.#literal(1);
      case "[":
        return this.#link(1);
      case "<":
        return this.#angleLink();
      case "h":
      case "w":
        return this.#bareLink();
      default:
        return this.#plain();
    }
  }

  #plain(): void {
    const rest = /[\\\n`$*_~![<]|https?:\/\/|www\./g;
    rest.lastIndex = this.#at + 1;
    const next = rest.exec(this.#source)?.index ?? this.#source.length;
    const run = this.#source.slice(this.#at, next);
    const start = this.#at;
    this.#literal(run.length);
    // Where a word begins after a space, nothing that comes later reaches back.
    let word = run.length - 1;
    while (word > 0 && (run.charAt(word) === " " || run.charAt(word - 1) !== " ")) word -= 1;
    if (word > 0) this.#settle(start + word);
  }

  #escape(): void {
    const next = this.#source.charAt(this.#at + 1);
    if (next === "" && this.#isOpen) return this.#finish();
    if ((next === "(" || next === "[") && this.#texMath(next)) return;
    if (next === "\n") {
      this.#push({ kind: "break" }, 2);
    } else if (/[!-/:-@[-`{-~]/.test(next)) {
      this.#text += next;
      this.#at += 2;
    } else this.#literal(1);
  }

  /** `\(…\)` and `\[…\]`; false if it is no formula. */
  #texMath(bracket: "(" | "["): boolean {
    const source = this.#source;
    const from = this.#at + 2;
    const end = findTexEnd(source, from, bracket);
    if (end === undefined && !this.#canWait(LONGEST_MATH)) return false;
    const tex = source.slice(from, end).replace(/\\$/, "").trim();
    const math = { kind: "math", source: tex, isDisplay: bracket === "[" } as const;
    if (end === undefined) {
      if (tex !== "") this.#wait({ ...math, isOpen: true });
      this.#finish();
      return true;
    }
    if (tex === "") return false;
    this.#push({ ...math, isOpen: false }, end + 2 - this.#at);
    return true;
  }

  /** `$…$` and `$$…$$`. Prices are none: a formula begins and ends without a space, and no digit or letter follows it. */
  #dollar(): void {
    const source = this.#source;
    const run = /^\$+/.exec(source.slice(this.#at, this.#at + LONGEST_MATH))?.[0] ?? "$";
    const from = this.#at + run.length;
    if (run.length > 2 || isWordChar(source.charAt(this.#at - 1))) return this.#literal(run.length);
    const end = run === "$" ? findDollar(source, from, this.#isOpen) : findDollars(source, from);
    if (end === "none") return this.#literal(run.length);
    if (end === "open") {
      if (!this.#canWait(LONGEST_MATH)) return this.#literal(run.length);
      const rest = source.slice(this.#at);
      this.#isBlocked = true;
      // What may be a price reads as text meanwhile, and so does what has other marks.
      const isText = /^\$+(?:\d|$)/.test(rest) || OTHER_MARKS.test(rest);
      return this.#literal(isText ? run.length : rest.length);
    }
    const math = { kind: "math", source: source.slice(from, end).trim(), isDisplay: run === "$$" } as const;
    this.#push({ ...math, isOpen: false }, end + run.length - this.#at);
  }

  #newline(): void {
    const isHard = this.#text.endsWith("  ");
    this.#text = this.#text.trimEnd();
    if (isHard) this.#push({ kind: "break" }, 1);
    else this.#literal(1);
  }

  #code(): void {
    const source = this.#source;
    const mark = /^`+/.exec(source.slice(this.#at))?.[0] ?? "`";
    const from = this.#at + mark.length;
    const end = findCodeEnd(source, this.#at, mark);
    if (end !== undefined) {
      const text = trimCode(source.slice(from, end));
      return this.#push({ kind: "code", text }, end + mark.length - this.#at);
    }
    if (!this.#canWait()) return this.#literal(mark.length);
    const text = source.slice(from).replace(/`+$/, "");
    if (text.trim() !== "") this.#wait({ kind: "code", text: trimCode(text) });
    this.#finish();
  }

  #emphasis(char: "*" | "_" | "~"): void {
    const source = this.#source;
    const isDouble = source.charAt(this.#at + 1) === char;
    const mark = isDouble ? char + char : char;
    const from = this.#at + mark.length;
    const next = source.charAt(from);
    if (next === "" && this.#canWait()) return this.#finish();
    const isInWord = char === "_" && isWordChar(source.charAt(this.#at - 1));
    if (next === "" || /\s/.test(next) || isInWord || mark === "~") return this.#literal(mark.length);
    const kind = char === "~" ? "strike" : isDouble ? "strong" : "emphasis";
    const end = findCloser(source, from, mark, this.#isOpen);
    if (end !== undefined) {
      const children = parseInline(source.slice(from, end), false).nodes;
      return this.#push({ kind, children }, end + mark.length - this.#at);
    }
    if (!this.#canWait()) return this.#literal(mark.length);
    const rest = source.slice(from);
    const inner = rest.endsWith(char) ? rest.slice(0, -1) : rest;
    const { nodes } = parseInline(inner, true);
    if (nodes.length > 0) this.#wait({ kind, children: nodes });
    this.#finish();
  }

  /** `[text](address)`; a picture, `![text](address)`, becomes a link as well. */
  #link(opening: number): void {
    const source = this.#source;
    const from = this.#at + opening;
    const end = findBracket(source, from, this.#isOpen);
    if (end === undefined) {
      if (!this.#canWait(LONGEST_LINK)) return this.#literal(opening);
      return this.#waitFor(source.slice(from));
    }
    const label = source.slice(from, end);
    const next = source.charAt(end + 1);
    if (next === "" && this.#canWait(LONGEST_LINK)) return this.#waitFor(label);
    if (next !== "(") return this.#literal(opening);
    const rest = source.slice(end + 1, this.#at + LONGEST_LINK);
    const target = TARGET.exec(rest);
    if (target === null) {
      const isBegun = this.#canWait(LONGEST_LINK) && TARGET_BEGUN.test(rest);
      return isBegun ? this.#waitFor(label) : this.#literal(opening);
    }
    const href = safeHref(target[1] ?? "");
    const children = parseInline(label, false).nodes;
    const length = end + 1 + target[0].length - this.#at;
    if (href !== undefined) return this.#push({ kind: "link", href, children }, length);
    this.#flush();
    this.#nodes.push(...children);
    this.#at += length;
  }

  #angleLink(): void {
    const match = /^<(https?:\/\/[^\s<>]+)>/.exec(this.#source.slice(this.#at, this.#at + LONGEST_LINK));
    const href = match?.[1];
    if (match === null || href === undefined) return this.#literal(1);
    this.#push({ kind: "link", href, children: [{ kind: "text", text: href }] }, match[0].length);
  }

  #bareLink(): void {
    const isInWord = isWordChar(this.#source.charAt(this.#at - 1));
    const match = isInWord
      ? null
      : /^(?:https?:\/\/|www\.)[^\s<>"`*]*[^\s<>"`*~.,;:!?')\]]/.exec(
          this.#source.slice(this.#at, this.#at + LONGEST_LINK),
        );
    if (match === null) return this.#literal(1);
    const text = match[0];
    const href = text.startsWith("www.") ? `https://${text}` : text;
    const { settled } = this;
    this.#push({ kind: "link", href, children: [{ kind: "text", text }] }, text.length);
    // The address may go on after what looks like its end.
    this.settled = settled;
  }

  #literal(length: number): void {
    this.#text += this.#source.slice(this.#at, this.#at + length);
    this.#at += length;
  }

  #push(node: Inline, length: number): void {
    this.#flush();
    this.#nodes.push(node);
    this.#at += length;
    if (this.#at < this.#source.length) this.#settle(this.#at);
  }

  #settle(at: number): void {
    if (!this.#isBlocked) this.settled = at;
  }

  #wait(node: Inline): void {
    this.#flush();
    this.#nodes.push(node);
  }

  #waitFor(label: string): void {
    this.#flush();
    this.#nodes.push(...parseInline(label, true).nodes);
    this.#finish();
  }

  #canWait(longest = LONGEST_SPAN): boolean {
    return this.#isOpen && this.#source.length - this.#at <= longest;
  }

  #finish(): void {
    this.#at = this.#source.length;
  }

  #flush(): void {
    if (this.#text !== "") this.#nodes.push({ kind: "text", text: this.#text });
    this.#text = "";
  }
}

function findCloser(source: string, from: number, mark: string, isOpen: boolean): number | undefined {
  const char = mark.charAt(0);
  const limit = Math.min(source.length, from - mark.length + LONGEST_SPAN);
  for (let at = from; at < limit; at += 1) {
    const here = source.charAt(at);
    if (here === "\\") at = skipEscape(source, at, isOpen);
    else if (here === "`") at = skipCode(source, at, isOpen);
    else if (here === char && at > from) {
      let after = at;
      while (source.charAt(after) === char) after += 1;
      const run = after - at;
      const isClosing =
        !/\s/.test(source.charAt(at - 1)) && (char === "*" || !isWordChar(source.charAt(after)));
      // A run of three closes the inner mark first, so an outer one takes the end of the run.
      if (isClosing && (run === mark.length || run === 3)) return after - mark.length;
      at = after - 1;
    }
  }
  return undefined;
}

/** The last character of the code that begins here. Code that is not closed yet may still swallow all that follows. */
function skipCode(source: string, at: number, isOpen: boolean): number {
  const mark = /^`+/.exec(source.slice(at, at + LONGEST_SPAN))?.[0] ?? "`";
  const end = findCodeEnd(source, at, mark);
  if (end !== undefined) return end + mark.length - 1;
  return isOpen && source.length - at <= LONGEST_SPAN ? source.length : at + mark.length - 1;
}

/** The last character of an escape, or of the formula that it begins. */
function skipEscape(source: string, at: number, isOpen: boolean): number {
  const bracket = source.charAt(at + 1);
  if (bracket !== "(" && bracket !== "[") return at + 1;
  const end = findTexEnd(source, at + 2, bracket);
  if (end !== undefined) return end + 1;
  return isOpen && source.length - at <= LONGEST_MATH ? source.length : at + 1;
}

function findTexEnd(source: string, from: number, bracket: "(" | "["): number | undefined {
  const end = source.indexOf(bracket === "(" ? "\\)" : "\\]", from);
  return end === -1 || end - from > LONGEST_MATH - 4 ? undefined : end;
}

/** Where the formula ends whose dollar stands before `from`. */
function findDollar(source: string, from: number, isOpen: boolean): number | "open" | "none" {
  if (/^\s/.test(source.slice(from, from + 1)) || PRICE.test(source.slice(from, from + 40))) return "none";
  const limit = Math.min(source.length, from + LONGEST_MATH - 2);
  for (let at = from; at < limit; at += 1) {
    const here = source.charAt(at);
    if (here === "`") return "none";
    if (here === "\\") at += 1;
    else if (here === "$") {
      const next = source.charAt(at + 1);
      if (next === "" && isOpen) return "open";
      return /\s/.test(source.charAt(at - 1)) || next === "$" || isWordChar(next) ? "none" : at;
    }
  }
  return limit === source.length ? "open" : "none";
}

function findDollars(source: string, from: number): number | "open" | "none" {
  const end = source.indexOf("$$", from);
  if (end === -1) return "open";
  return end - from > LONGEST_MATH - 4 || source.slice(from, end).trim() === "" ? "none" : end;
}

/** Where a run of exactly these backticks stands. */
function findCodeEnd(source: string, at: number, mark: string): number | undefined {
  let end = source.indexOf(mark, at + mark.length);
  while (end !== -1 && end - at <= LONGEST_SPAN) {
    let after = end;
    while (source.charAt(after) === "`") after += 1;
    if (after - end === mark.length) return end;
    end = source.indexOf(mark, after);
  }
  return undefined;
}

function findBracket(source: string, from: number, isOpen: boolean): number | undefined {
  let depth = 0;
  const limit = Math.min(source.length, from + LONGEST_LINK);
  for (let at = from; at < limit; at += 1) {
    const here = source.charAt(at);
    if (here === "\\") at += 1;
    else if (here === "`") at = skipCode(source, at, isOpen);
    else if (here === "[") depth += 1;
    else if (here === "]") {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return undefined;
}

function trimCode(text: string): string {
  const flat = text.replaceAll("\n", " ");
  return /^ .*[^ ].* $/.test(flat) ? flat.slice(1, -1) : flat;
}

function isWordChar(char: string): boolean {
  return /[\p{L}\p{N}]/u.test(char);
}
