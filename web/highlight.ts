import { StringStream } from "@codemirror/streamparser";
import type { StreamParser } from "@codemirror/streamparser";

/** A run of code, and what it is. */
export interface Run {
  text: string;
  kind: Kind | undefined;
}

export type Kind = "comment" | "keyword" | "string" | "number" | "name" | "added" | "removed";

/** Reads code line by line, and remembers only where it is: a line costs the same wherever it stands. */
export type LineReader = (line: string) => Run[];

/** Nobody reads a longer line for its colours. */
const LONGEST_LINE = 2000;
const INDENT = 2;

const KINDS: [RegExp, Kind][] = [
  [/comment|quote/i, "comment"],
  [/inserted|positive/, "added"],
  [/deleted|negative/, "removed"],
  [/string|regexp|escape|attributeValue|url/i, "string"],
  [/number|atom|bool|null|unit|color/i, "number"],
  [/keyword|modifier|operatorKeyword|meta|processingInstruction/i, "keyword"],
  [/def|type|class|tag|attributeName|propertyName|standard|builtin|heading|namespace/i, "name"],
];

/** Begins to read code in the language of a parser. */
export function createLineReader(parser: StreamParser<unknown>): LineReader {
  const state = parser.startState?.(INDENT) ?? {};
  return (line) => {
    if (line.length > LONGEST_LINE) return [{ text: line, kind: undefined }];
    try {
      return readLine(parser, state, line);
    } catch {
      // A parser that fails on its line has a bug; code without colours is still code.
      return [{ text: line, kind: undefined }];
    }
  };
}

function readLine(parser: StreamParser<unknown>, state: unknown, line: string): Run[] {
  if (line === "") parser.blankLine?.(state, INDENT);
  const runs: Run[] = [];
  const stream = new StringStream(line, 4, INDENT);
  // A parser that takes nothing eight times is not going to: the rest is plain.
  for (let idle = 0; !stream.eol() && idle < 8;) {
    const style = parser.token(stream, state);
    if (stream.pos === stream.start) idle += 1;
    else add(runs, stream.current(), kindOf(style));
    stream.start = stream.pos;
  }
  if (!stream.eol()) add(runs, line.slice(stream.pos), undefined);
  return runs;
}

function add(runs: Run[], text: string, kind: Kind | undefined): void {
  const last = runs.at(-1);
  // Space has no colour, and joins what is before it.
  if (last !== undefined && (last.kind === kind || text.trim() === "")) last.text += text;
  else runs.push({ text, kind });
}

const kinds = new Map<string, Kind | undefined>();

/** Some parsers leave the style out where their types say null. */
function kindOf(style: string | null | undefined): Kind | undefined {
  if (!style) return undefined;
  if (!kinds.has(style)) kinds.set(style, KINDS.find(([pattern]) => pattern.test(style))?.[1]);
  return kinds.get(style);
}
