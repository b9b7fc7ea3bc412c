import { CLOCK, clockAnswer, clockInput } from "./guide-clock.ts";
import { createGuideIndex } from "./guide-search.ts";
import type { GuideIndex, Hit } from "./guide-search.ts";
import { resolveLinks } from "./guide-passages.ts";
import type { GuideDocument, Passage } from "./guide-passages.ts";
import { createClock, paceItems } from "./pace.ts";
import type { Clock } from "./pace.ts";
import type { GenerateRequest, PromptMessage, Provider, ProviderEvent } from "./provider.ts";

export type { GuideDocument } from "./guide-passages.ts";

const MODEL = "guide";
const TOKENS_PER_SECOND = 60;
const MAX_QUESTION_LENGTH = 2_000;
const MAX_ANSWER_WORDS = 320;

/** From here on, an answer is what was asked for. */
const FITS = 0.55;
/** From here on, it is worth showing, with a word of doubt. */
const IS_NEAR = 0.4;

export interface GuideOptions extends Partial<Clock> {
  /** What it answers from. */
  documents: readonly GuideDocument[];
  /** How fast it writes. Default 60; 0: at once. */
  tokensPerSecond?: number | undefined;
  /** Where a document's section can be read. Default `/docs/<path>.html#<anchor>`, without a `docs/` before the path. */
  link?: ((path: string, anchor: string) => string) | undefined;
}

/** Makes the provider of the model `guide`, which works offline: it answers questions about SSE, streaming and Millrace with
 *  passages of the documentation. It is no AI model, and each answer says so.
 *  Order:  words with the whitespace that follows them.
 *  Tools:  where a tool `clock` is offered, it is called when somebody asks for the time.
 *  Cost:   the documents are indexed at the first question. */
export function createGuideProvider(options: GuideOptions): Provider {
  const { documents, tokensPerSecond = TOKENS_PER_SECOND, link = defaultLink, ...given } = options;
  const clock = { ...createClock(), ...given };
  let index: GuideIndex | undefined;
  return {
    name: MODEL,
    canContinue: true,
    models: () =>
      Promise.resolve([
        {
          id: MODEL,
          origin: "built in",
          description:
            "Answers questions about SSE, streaming and Millrace from the documentation, offline. No AI model.",
        },
      ]),
    async *generate(
      request: GenerateRequest,
      signal: AbortSignal,
    ): AsyncGenerator<ProviderEvent, void, undefined> {
      const input = clockInput(request);
      if (input !== undefined) {
        yield { type: "tool-call", call: CLOCK, tool: CLOCK };
        yield { type: "tool-input", call: CLOCK, text: input };
        yield { type: "finish", reason: "tool-calls" };
        return;
      }
      index ??= createGuideIndex(documents);
      // The same question has the same answer, so it goes on behind what was said.
      const whole = clockAnswer(request.messages) ?? writeAnswer(index, request.messages, link);
      const answer = whole.slice(request.continues?.length ?? 0);
      const tokens = answer.match(/\s*\S+\s*/g) ?? [];
      const written = tokens.slice(0, request.maxTokens);
      for await (const text of paceItems(written, tokensPerSecond, clock, signal))
        yield { type: "text", text };
      yield {
        type: "finish",
        reason: written.length < tokens.length ? "length" : "stop",
        usage: { outputTokens: written.length },
      };
    },
  };
}

type Link = (path: string, anchor: string) => string;

function writeAnswer(index: GuideIndex, messages: readonly PromptMessage[], link: Link): string {
  const questions = messages
    .filter(({ role }) => role === "user")
    .map(({ text }) => text.trim().slice(0, MAX_QUESTION_LENGTH));
  const question = questions.at(-1) ?? "";
  if (isGreeting(question)) return joinBlocks(["Hello.", writeAbout(index, link), LABEL]);
  let found = index.search(question);
  // "And how?" asks about what was asked before.
  if (!found.hasTerms) found = index.search(`${questions.at(-2) ?? ""} ${question}`);
  const [best] = found.hits;
  if (best === undefined || found.coverage < IS_NEAR) {
    return joinBlocks(["I found nothing about that in the documentation.", writeAbout(index, link), LABEL]);
  }
  const shown = chooseHits(found.hits);
  const others = chooseOthers(found.hits, shown);
  return joinBlocks([
    found.coverage < FITS && "I found nothing that answers exactly that. This is the nearest passage:",
    ...shown.flatMap(({ passage }, place) => [
      (place > 0 || shown.length > 1) && `### ${passage.heading}`,
      resolveLinks(passage.text, passage.path, link),
      `→ ${writeLink(passage, link)}`,
    ]),
    others.length > 0 && `**See also:** ${others.map(({ passage }) => writeLink(passage, link)).join(" · ")}`,
    LABEL,
  ]);
}

const LABEL = "*Found in Millrace's documentation by search; no AI model wrote this.*";

const ABOUT =
  "I answer questions about Server-Sent Events, streaming and Millrace by looking them up in the documentation. You can ask me, for example:";

const EXAMPLES = [
  "What is SSE?",
  "Why not WebSockets?",
  "How do I resume a stream?",
  "How do I stop a run?",
  "What does the one-line client look like?",
  "How do I use a real model?",
];

function writeAbout(index: GuideIndex, link: Link): string {
  const intros = index.passages.filter(({ isIntro }) => isIntro).slice(0, 12);
  return joinBlocks([
    ABOUT,
    EXAMPLES.map((example) => `- ${example}`).join("\n"),
    intros.length > 0 &&
      `**Documents:** ${intros.map(({ path, title }) => `[${title}](${link(path, "")})`).join(" · ")}`,
  ]);
}

/** The best passage, and at most two more that are nearly as good, from other sections. */
function chooseHits(hits: readonly Hit[]): Hit[] {
  const [best, ...rest] = hits;
  if (best === undefined) return [];
  const shown = [best];
  let words = countWords(best.passage.text);
  for (const hit of rest.slice(0, 5)) {
    const size = countWords(hit.passage.text);
    if (shown.length === 3 || hit.score < best.score * 0.7 || words + size > MAX_ANSWER_WORDS) continue;
    shown.push(hit);
    words += size;
  }
  return shown;
}

function chooseOthers(hits: readonly Hit[], shown: readonly Hit[]): Hit[] {
  const taken = new Set(shown.map(({ passage }) => sectionOf(passage)));
  const [best] = hits;
  const others: Hit[] = [];
  for (const hit of hits) {
    const section = sectionOf(hit.passage);
    if (others.length === 3 || taken.has(section) || hit.score < (best?.score ?? 0) * 0.2) continue;
    taken.add(section);
    others.push(hit);
  }
  return others;
}

function isGreeting(text: string): boolean {
  return /^(?:(?:hi|hello|hey|good (?:morning|day|evening)|help|test|thanks?(?: you)?|who are you|what (?:are you|can (?:you do|i ask(?: you)?)))\b[\s!.?,]*)*$/i.test(
    text,
  );
}

function writeLink(passage: Passage, link: Link): string {
  const { title, heading } = passage;
  return `[${heading === title ? title : `${title} › ${heading}`}](${link(passage.path, passage.anchor)})`;
}

function defaultLink(path: string, anchor: string): string {
  return `/docs/${path.replace(/^docs\//, "").replace(/\.md$/, ".html")}${anchor === "" ? "" : `#${anchor}`}`;
}

function sectionOf({ path, anchor }: Passage): string {
  return `${path}#${anchor}`;
}

function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

function joinBlocks(blocks: readonly (string | false)[]): string {
  return blocks.filter((block) => block !== false && block !== "").join("\n\n");
}
