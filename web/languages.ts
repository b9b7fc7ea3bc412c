import type { LineReader } from "./highlight.ts";
import type { StreamParser } from "@codemirror/streamparser";

// oxlint-disable-next-line no-explicit-any -- each parser knows its own state, and we only hand it back
type Load = () => Promise<StreamParser<any>>;

const javascript = () => import("@codemirror/legacy-modes/mode/javascript");
const clike = () => import("@codemirror/legacy-modes/mode/clike");
const css = () => import("@codemirror/legacy-modes/mode/css");
const markup = () => import("@codemirror/legacy-modes/mode/xml");

/** Each language by the names that answers give it; its parser comes when it is first needed. */
const LANGUAGES: [names: string, load: Load][] = [
  ["js javascript jsx mjs cjs node", async () => (await javascript()).javascript],
  ["ts typescript tsx mts cts", async () => (await javascript()).typescript],
  ["json jsonc json5 jsonl", async () => (await javascript()).json],
  ["py python python3", async () => (await import("@codemirror/legacy-modes/mode/python")).python],
  [
    "sh bash shell zsh console shellsession",
    async () => (await import("@codemirror/legacy-modes/mode/shell")).shell,
  ],
  ["html svg vue svelte", async () => (await markup()).html],
  ["xml", async () => (await markup()).xml],
  ["css", async () => (await css()).css],
  ["scss sass less", async () => (await css()).sCSS],
  [
    "sql postgresql postgres mysql sqlite",
    async () => (await import("@codemirror/legacy-modes/mode/sql")).standardSQL,
  ],
  ["yaml yml", async () => (await import("@codemirror/legacy-modes/mode/yaml")).yaml],
  ["toml", async () => (await import("@codemirror/legacy-modes/mode/toml")).toml],
  ["rs rust", async () => (await import("@codemirror/legacy-modes/mode/rust")).rust],
  ["go golang", async () => (await import("@codemirror/legacy-modes/mode/go")).go],
  ["c h", async () => (await clike()).c],
  ["cpp c++ cc hpp", async () => (await clike()).cpp],
  ["cs csharp c#", async () => (await clike()).csharp],
  ["java", async () => (await clike()).java],
  ["kt kotlin", async () => (await clike()).kotlin],
  ["rb ruby", async () => (await import("@codemirror/legacy-modes/mode/ruby")).ruby],
  ["swift", async () => (await import("@codemirror/legacy-modes/mode/swift")).swift],
  ["lua", async () => (await import("@codemirror/legacy-modes/mode/lua")).lua],
  ["diff patch", async () => (await import("@codemirror/legacy-modes/mode/diff")).diff],
  ["dockerfile docker", async () => (await import("@codemirror/legacy-modes/mode/dockerfile")).dockerFile],
  ["http", async () => (await import("@codemirror/legacy-modes/mode/http")).http],
  [
    "ini properties env conf",
    async () => (await import("@codemirror/legacy-modes/mode/properties")).properties,
  ],
  ["nginx", async () => (await import("@codemirror/legacy-modes/mode/nginx")).nginx],
  ["ps1 powershell pwsh", async () => (await import("@codemirror/legacy-modes/mode/powershell")).powerShell],
];

const loads = new Map(
  LANGUAGES.flatMap(([names, load]) => names.split(" ").map((name) => [name, load] as const)),
);
const ready = new Map<Load, () => LineReader>();

/** Finds who reads code of this language. At once where the language has been needed before, so that code is never shown
 *  without its colours again; undefined where nobody does, or where it cannot be loaded. */
export function findLineReader(language: string): LineReader | Promise<LineReader | undefined> | undefined {
  const load = loads.get(language.toLowerCase());
  if (load === undefined) return undefined;
  return ready.get(load)?.() ?? fetchLineReader(load);
}

async function fetchLineReader(load: Load): Promise<LineReader | undefined> {
  try {
    const [{ createLineReader }, parser] = await Promise.all([import("./highlight.ts"), load()]);
    const create = () => createLineReader(parser);
    ready.set(load, create);
    return create();
  } catch {
    // The network is away: code without colours is still code.
    return undefined;
  }
}
