import { setTimeout as sleep } from "node:timers/promises";

const TOKEN_LENGTH = 4;
/** Tokens that are due are said together, so often. */
const TICK_MS = 4;

/** Says such a document token by token. The prompt names its length, and how many tokens a second: `length=50000 rate=200`. */
export async function* sayPageText(prompt, signal) {
  const [, length, rate] = /length=(\d+) rate=(\d+)/.exec(prompt).map(Number);
  const text = pageText(length);
  const count = Math.ceil(text.length / TOKEN_LENGTH);
  const begun = performance.now();
  for (let sent = 0; sent < count; await sleep(TICK_MS, undefined, { signal })) {
    const due = Math.min(count, Math.floor(((performance.now() - begun) * rate) / 1_000) + 1);
    for (; sent < due; sent += 1) yield text.slice(sent * TOKEN_LENGTH, (sent + 1) * TOKEN_LENGTH);
  }
}

/** A document of so many characters: headings, paragraphs, tables, code, formulas and lists in turn. */
export function pageText(length) {
  let text = "";
  for (let part = 1; text.length < length; part += 1) text += section(part);
  return text.slice(0, length);
}

function section(part) {
  return `## Part ${part}

A paragraph with **strong**, *emphasised* and \`coded\` words, a [link](https://example.org/${part}), the formula $e_${part} = \\sqrt{x^2 + ${part}}$ and a price of $${part}. It goes on for a while, so that lines break, and says nothing that has not been said ${part} times before.

| Name | Value | Share |
| :--- | :---: | ---: |
| first | \`${part}\` | ${part} % |
| second | **${part * 2}** | ${part * 3} % |

\`\`\`${["ts", "python", "sql", "rust"][part % 4]}
// part ${part}
const value = compute("text ${part}", ${part});
if (value > ${part}) return value; # not in each language
select name, count(*) from parts where part = ${part};
\`\`\`

$$
\\sum_{i=1}^{${part}} i = \\frac{${part} \\cdot ${part + 1}}{2}
$$

1. One, with ~~struck~~ text
   - inner ${part}
     - innermost
2. Two

> Quoted, with \\(a_${part}\\) inside.

`;
}
