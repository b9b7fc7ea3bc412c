// The words of a chat's title. All pure.

const MAX_LENGTH = 60;
/** A question of fewer words says too little of what it is about. */
const FEW_WORDS = 3;
/** A model that thinks aloud in its answer. */
const THOUGHT = /<think>[^]*?(?:<\/think>|$)/g;

/** A chat's first title: the first words that were written into it. */
export function titleOf(text: string): string {
  const line =
    text
      .trim()
      .split(/\s*[\r\n]/, 1)[0]
      ?.replace(/\s+/g, " ") ?? "";
  if (line.length <= MAX_LENGTH) return line;
  const cut = line.slice(0, MAX_LENGTH + 1);
  const words = cut.slice(0, Math.max(cut.lastIndexOf(" "), 0)) || cut.slice(0, MAX_LENGTH);
  return `${words.replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** A better title than the first words of a question that is long, or says little: the heading with which the answer begins.
 *  Undefined: there is no better one. */
export function shortenTitle(question: string, answer: string): string | undefined {
  const isClear = titleOf(question) === question.trim() && question.trim().split(/\s+/).length >= FEW_WORDS;
  const heading = /^\s*#{1,6}[ \t]+(.+)/.exec(answer)?.[1];
  return isClear || heading === undefined ? undefined : tidyTitle(heading);
}

/** What a model offers as a title, without what models put around it. Undefined: nothing is left. */
export function tidyTitle(text: string): string | undefined {
  const [line = ""] = text.replace(THOUGHT, "").trim().split("\n", 1);
  const plain = line
    .replace(/[*_`#]+/g, "")
    .replace(/^\s*title\s*:/i, "")
    .trim()
    .replace(/^["'“”„«»‘’]+|["'“”„«»‘’.]+$/g, "");
  const title = titleOf(plain);
  return title === "" ? undefined : title;
}
