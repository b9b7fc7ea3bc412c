export interface ScriptTextOptions {
  /** How many tokens. */
  tokens: number;
  /** Another seed, another text. */
  seed: number;
  /** Mixes headings, lists, code, tables, emoji and other characters beyond the BMP. Default false. */
  markdown?: boolean;
}

/** Writes the text of a script, token by token: the same options, the same tokens.
 *  Shape: exactly `tokens` of them, none empty; each is a pseudo-word with what stands before or after it.
 *  Law:   with `markdown`, no fence, list or table is left open at the end. */
export function* scriptTokens(options: ScriptTextOptions): Generator<string, void, undefined> {
  const { tokens, seed, markdown = false } = options;
  const random = createRandom(seed);
  let left = tokens;
  while (left > 0) {
    const paragraph = () => writeParagraph(random, Math.min(left, between(random, 20, 60)), markdown);
    let block = markdown && random() < 0.6 ? pick(random, BLOCKS)(random) : paragraph();
    // A block is written whole or not at all, so that nothing stays open.
    if (block.length > left) block = paragraph();
    left -= block.length;
    const last = block.length - 1;
    for (const [index, token] of block.entries()) {
      yield index === last && left > 0 ? `${token}\n\n` : token;
    }
  }
}

/** Writes what a script thinks before it answers: plain words. */
export function* scriptReasoning(tokens: number, seed: number): Generator<string, void, undefined> {
  const random = createRandom(seed ^ 0x5eed);
  for (let index = 0; index < tokens; index++) yield `${index === 0 ? "" : " "}${pseudoWord(random)}`;
}

/** A generator of numbers in [0, 1), the same for the same seed (mulberry32). */
type Random = () => number;

type Block = (random: Random) => string[];

const SYLLABLES = (
  "ba be bi bo ca co da de di do fa fi ga go ka ki ku la le li lo lu ma me mi mo na ne ni no nu pa pe po ra re ri ro " +
  "sa se si so ta te ti to tu va ve vi wa xe yo za"
).split(" ");

// Of one and of two UTF-16 code units, and of several code points that show as one.
const SYMBOLS = ["😀", "🚀", "𝒳", "𠮷", "👩‍💻", "🇨🇭", "é", "naïve", "日本語", "→", "🧵", "𓂀"];

const writeHeading: Block = (random) => [
  `## ${capital(pseudoWord(random))}`,
  ` ${pseudoWord(random)}`,
  ` ${pick(random, SYMBOLS)}`,
];

const writeList: Block = (random) =>
  Array.from({ length: between(random, 3, 6) }).flatMap((_, index) => [
    `${index === 0 ? "" : "\n"}- **${pseudoWord(random)}**`,
    ` ${pseudoWord(random)}`,
    ` ${pick(random, SYMBOLS)}`,
  ]);

const writeCode: Block = (random) => [
  "```ts\n",
  `const ${pseudoWord(random)}`,
  ` = "${pick(random, SYMBOLS)} & <b>";\n`,
  `await ${pseudoWord(random)}`,
  `(${between(random, 1, 999)});\n`,
  "```",
];

const writeTable: Block = (random) => [
  `| ${pseudoWord(random)}`,
  ` | ${pseudoWord(random)} |\n`,
  "| --- | --- |\n",
  ...Array.from({ length: between(random, 2, 4) }).flatMap((_, index) => [
    `${index === 0 ? "" : "\n"}| ${pseudoWord(random)}`,
    ` | ${pick(random, SYMBOLS)} |`,
  ]),
];

const writeQuote: Block = (random) => [
  `> *${pseudoWord(random)}*`,
  ` [${pseudoWord(random)}](https://example.org/${pseudoWord(random)})`,
  " <script>alert(1)</script>",
  ` \`${pseudoWord(random)}\``,
];

const BLOCKS: readonly [Block, ...Block[]] = [writeHeading, writeList, writeCode, writeTable, writeQuote];

function writeParagraph(random: Random, length: number, markdown: boolean): string[] {
  let isStart = true;
  return Array.from({ length }, (_, index) => {
    const word = markdown && random() < 0.08 ? pick(random, SYMBOLS) : pseudoWord(random);
    const isEnd = index === length - 1 || random() < 0.1;
    const token = `${index === 0 ? "" : " "}${isStart ? capital(word) : word}${isEnd ? "." : ""}`;
    isStart = isEnd;
    return token;
  });
}

function pseudoWord(random: Random): string {
  let word = "";
  for (let count = between(random, 1, 4); count > 0; count--) word += pick(random, SYLLABLES);
  return word;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T; // random() < 1, and no list here is empty
}

function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
