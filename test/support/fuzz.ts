import { parseStreamName } from "../../src/protocol/names.ts";
import type { Random } from "./seeded.ts";

/** What breaks parsers: marks of the formats, ends of lines, numbers at their edges, halves of characters. */
const SEEDS = [
  "",
  "\r",
  "\n",
  "\r\n",
  "\0",
  ":",
  "/",
  "..",
  "%2e%2e",
  "%00",
  "~",
  ".",
  " ",
  "\t",
  "\uFEFF",
  "\uD83C",
  "\uDF0A",
  "🌊",
  '"',
  "\\",
  "\\u0000",
  "{",
  "}",
  "[",
  "]",
  "null",
  "true",
  "-0",
  "1e999",
  "9007199254740993",
  "NaN",
  "__proto__",
  "constructor",
  "data: x",
  "id: ",
  "retry: 1",
  "event: ",
  "22oh9havj1.5",
  "aaaaaaaa.0",
  "start",
  "now",
  "text/event-stream",
  "application/json",
  "localhost",
  "127.0.0.1",
];

/** A word that somebody might send who means no good. */
export function makeWord(random: Random): string {
  const one = () => SEEDS[random.int(0, SEEDS.length - 1)] ?? "";
  switch (random.int(0, 4)) {
    case 0:
      return one();
    case 1:
      return Array.from({ length: random.int(1, 6) }, one).join("");
    case 2:
      return one().repeat(random.int(1, 300));
    case 3:
      return String.fromCharCode(...Array.from({ length: random.int(1, 40) }, () => random.int(0, 65_535)));
    default:
      return String.fromCharCode(...Array.from({ length: random.int(1, 20) }, () => random.int(32, 126)));
  }
}

/** A value that JSON can carry, of any shape. */
export function makeValue(random: Random, depth = 0): unknown {
  switch (random.int(0, depth > 4 ? 4 : 7)) {
    case 0:
      return makeWord(random);
    case 1:
      return random.int(-1, 3);
    case 2:
      return [Number.MAX_SAFE_INTEGER + 1, -1e308, 0.1, -0][random.int(0, 3)];
    case 3:
      return random.next() < 0.5;
    case 4:
      return null;
    case 5:
      return Array.from({ length: random.int(0, 4) }, () => makeValue(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.int(0, 5) }, () => [makeName(random), makeValue(random, depth + 1)]),
      );
  }
}

const MEMBERS =
  "type key deleted text prompt model messages role content stream max_tokens title system message parent edits kind data stop browser window leave run reason offset span at id call name input output error retention maxEvents".split(
    " ",
  );

/** Most often a member that somebody reads. */
export function makeName(random: Random): string {
  return random.next() < 0.8 ? (MEMBERS[random.int(0, MEMBERS.length - 1)] ?? "") : makeWord(random);
}

/** Takes a text and breaks it in one place. */
export function breakText(random: Random, text: string): string {
  const at = random.int(0, text.length);
  switch (random.int(0, 3)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + makeWord(random) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + random.int(1, 5));
    default:
      return text;
  }
}

/** Few names, so that what was done to a stream meets what is done to it next. */
export function makeStreamName(random: Random): string {
  const known = ["a", "b/c", "state", "chats/x", "runs/x", "people/local/chats", "sys/server", "__proto__"];
  const name = known[random.int(0, known.length - 1)] ?? "a";
  if (random.next() < 0.8) return parseStreamName(name);
  return breakText(random, name);
}
