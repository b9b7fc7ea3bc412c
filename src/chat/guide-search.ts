import MiniSearch from "minisearch";
import { splitDocuments } from "./guide-passages.ts";
import type { GuideDocument, Passage } from "./guide-passages.ts";

export interface Hit {
  passage: Passage;
  score: number;
}

/** What was found for a question. */
export interface SearchOutcome {
  /** Whether the question says anything to look for. */
  hasTerms: boolean;
  /** How much of the question the best passage speaks about, 0 to 1; rare words weigh more. */
  coverage: number;
  /** Best first. */
  hits: Hit[];
}

export interface GuideIndex {
  search(question: string): SearchOutcome;
  readonly passages: readonly Passage[];
}

/** Cuts documents into passages and indexes them; about 0.1 s for 400 passages. */
export function createGuideIndex(documents: readonly GuideDocument[]): GuideIndex {
  const passages = splitDocuments(documents);
  const frequency = new Map<string, number>();
  const index = new MiniSearch<Passage>({
    fields: ["heading", "title", "text"],
    tokenize: toTerms,
    processTerm: (term) => term,
  });
  index.addAll(passages);
  for (const { heading, title, text } of passages) {
    for (const term of new Set(toTerms(`${heading} ${title} ${text}`))) {
      frequency.set(term, (frequency.get(term) ?? 0) + 1);
    }
  }
  const weight = (term: string) => Math.log(1 + passages.length / (0.5 + (frequency.get(term) ?? 0)));

  return {
    passages,
    search(question) {
      const terms = [...new Set(toTerms(question))].filter((term) => !STOP_TERMS.has(term)).slice(0, 32);
      if (terms.length === 0) return { hasTerms: false, coverage: 0, hits: [] };
      const related = new Map(terms.map((term) => [term, RELATED.get(term) ?? []]));
      const wanted = new Set(terms);
      const results = index.search([...new Set([...terms, ...[...related.values()].flat()])].join(" "), {
        tokenize: (text) => text.split(" "),
        boost: { heading: 4, title: 1.5 },
        boostTerm: (term) => (wanted.has(term) ? 1 : 0.25),
        boostDocument: (id) => intentBoost(question, passages[Number(id)]),
        prefix: (term) => wanted.has(term) && term.length >= 5,
        fuzzy: (term) => (wanted.has(term) && term.length >= 6 ? 0.17 : false),
      });
      const total = terms.reduce((sum, term) => sum + weight(term), 0);
      const hits = results.flatMap((result) => {
        const passage = passages[Number(result.id)];
        if (passage === undefined) return [];
        const matched = new Set(result.queryTerms);
        const covered = terms.filter(
          (term) => matched.has(term) || related.get(term)?.some((other) => matched.has(other)) === true,
        );
        const coverage = covered.reduce((sum, term) => sum + weight(term), 0) / total;
        // A passage about half of the question is seldom the answer, however often it says that half.
        return [{ passage, coverage, score: result.score * coverage ** 2 }];
      });
      hits.sort((a, b) => b.score - a.score);
      return { hasTerms: true, coverage: hits[0]?.coverage ?? 0, hits };
    },
  };
}

// What is written in several ways gets one term.
const PHRASES: readonly [RegExp, string][] = [
  [/\bweb[\s-]?sockets?\b/g, "websocket"],
  [/\bserver[\s-]sent[\s-]events?\b/g, "sse"],
  [/\bevent[\s-]?sources?\b/g, "eventsource"],
  [/\b(?:one|single)[\s-]lin(?:e|er)\b/g, "oneline"],
  [/\blast[\s-]event[\s-]id\b/g, "lasteventid"],
  [/\blong[\s-]polling\b/g, "longpolling polling"],
  [/\bset(?:ting)?[\s-]up\b/g, "setup"],
  [/\blm[\s-]studio\b/g, "lmstudio"],
  [/\bllama\.cpp\b/g, "llamacpp"],
  [/\bapi[\s-]?keys?\b/g, "apikey key"],
  [/\bopen[\s-]ai\b/g, "openai"],
];

const STOP_WORDS =
  "a about actually again all also am an and any anything are as at be been being but by can could did do does doing don for from get give had " +
  "has have he hello help hey hi how i if in into is it its just know let like ll look looks make many may me mean means more much my " +
  "need needs no not now of off on or our out own please put re really s say says she should show so some tell than thank thanks that the " +
  "their them then there they thing things this those to too up us use used uses using ve very want was we were what when where " +
  "which who whom whose why will with work works would write you your explain describe happen happens happened instead better vs versus";

const STOP_TERMS = new Set(STOP_WORDS.split(" ").map(stem));

const RELATED = new Map(
  Object.entries({
    stop: ["cancel", "abort"],
    cancel: ["stop", "abort"],
    abort: ["stop", "cancel"],
    kill: ["stop", "cancel"],
    resume: ["reconnect", "cursor", "continue"],
    reconnect: ["resume", "retry"],
    continue: ["resume"],
    reload: ["resume", "reconnect"],
    disconnect: ["reconnect", "connection", "cut"],
    lost: ["missed", "resume"],
    lose: ["missed", "resume"],
    miss: ["resume", "cursor"],
    install: ["start", "npm"],
    setup: ["start", "install"],
    start: ["begin", "install"],
    begin: ["start"],
    quickstart: ["start"],
    error: ["failure", "refused"],
    fail: ["error", "failure"],
    llm: ["model", "answer"],
    ai: ["model", "answer"],
    chatgpt: ["openai", "model"],
    ollama: ["local", "model"],
    token: ["delta", "key"],
    generation: ["run"],
    answer: ["run"],
    browser: ["eventsource", "client"],
    javascript: ["client", "eventsource"],
    snippet: ["client", "oneline"],
    proxy: ["nginx", "buffering"],
    heartbeat: ["ping"],
    offline: ["guide", "local"],
    test: ["script"],
    cursor: ["id", "lasteventid"],
    twice: ["double", "key"],
    duplicate: ["twice", "double", "key"],
  }).map(([term, others]) => [stem(term), others.map(stem)]),
);

function toTerms(text: string): string[] {
  let plain = text.toLowerCase().replaceAll("’", "'");
  for (const [phrase, term] of PHRASES) plain = plain.replace(phrase, ` ${term} `);
  return (plain.match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => word.length <= 40).map(stem);
}

/** Cuts the endings by which forms of one English word differ: streams, streamed and streaming become stream. */
function stem(word: string): string {
  if (word.length <= 3) return word;
  let base = word;
  if (base.endsWith("ies")) base = `${base.slice(0, -3)}y`;
  else if (/[^su]s$/.test(base)) base = base.slice(0, -1);
  if (base.length > 5 && base.endsWith("ing")) base = undouble(base.slice(0, -3));
  else if (base.length > 4 && base.endsWith("ed")) base = undouble(base.slice(0, -2));
  return base.length > 4 && base.endsWith("e") ? base.slice(0, -1) : base;
}

function undouble(base: string): string {
  return /([bdgmnprt])\1$/.test(base) ? base.slice(0, -1) : base;
}

/** The form of a question says which kind of section answers it. */
function intentBoost(question: string, passage: Passage | undefined): number {
  if (passage === undefined) return 1;
  const { heading, isIntro } = passage;
  if (/^\s*(?:so\s+)?(?:what(?:'s|’s| is| are)|define|explain)\b/i.test(question)) {
    if (/^what\b/i.test(heading)) return 2;
    return isIntro && !/^(?:why|how)\b/i.test(heading) ? 1.5 : 1;
  }
  if (/\bwhy not\b/i.test(question)) return /^why not\b/i.test(heading) ? 3 : 1;
  if (/\bwhy\b|\bvs\b|\bversus\b|\binstead\b|\bbetter\b|\bcompare/i.test(question)) {
    return /^why\b|\bvs\b|\bbeside\b|\bcompare/i.test(heading) ? 1.5 : 1;
  }
  if (/\bhow (?:do|can|to|would|should)\b/i.test(question)) return /^how do\b/i.test(heading) ? 1.5 : 1;
  return 1;
}
