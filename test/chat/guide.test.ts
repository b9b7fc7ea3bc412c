import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGuideProvider } from "../../src/chat/guide.ts";
import { loadGuideDocuments } from "../../src/chat/guide-documents.ts";
import type { GenerateRequest } from "../../src/chat/provider.ts";
import { resolveLinks, splitDocuments } from "../../src/chat/guide-passages.ts";
import { collect } from "../support/collect.ts";
import { createFakeClock } from "../support/fake-clock.ts";

const OURS = new Set(["guide/models.md", "guide/resuming.md", "guide/what-is-sse.md", "guide/why-sse.md"]);
const all = await loadGuideDocuments(new URL("../../docs/", import.meta.url));
const documents = all.filter(({ path }) => OURS.has(path));
const LABEL = "*Found in Millrace's documentation by search; no AI model wrote this.*";

function user(text: string) {
  return { role: "user" as const, text };
}

const TOLD = "*Told by the tool `clock`; no AI model wrote this.*";

describe("the guide and a clock", () => {
  const provider = createGuideProvider({ documents, tokensPerSecond: 0 });
  const tools = [{ name: "clock", inputSchema: {} }];
  const askedFor = async (request: Partial<GenerateRequest>) => {
    const { events, finish } = await collect(provider, request);
    return finish?.reason === "tool-calls" ? events.slice(0, -1) : undefined;
  };

  it.each([
    ["What time is it?", "{}"],
    ["what's the date today", "{}"],
    ["Hi! What day is it?", "{}"],
    ["What time is it in Tokyo?", '{"zone":"Asia/Tokyo"}'],
    ["And what is the current time in New York right now?", '{"zone":"America/New_York"}'],
    ["what is the time in Europe/Oslo", '{"zone":"Europe/Oslo"}'],
  ])("asked %s calls it with %s", async (question, text) => {
    expect(await askedFor({ tools, messages: [user(question)] })).toEqual([
      { type: "tool-call", call: "clock", tool: "clock" },
      { type: "tool-input", call: "clock", text },
    ]);
  });

  it.each([
    "What is the time to live of a signal?",
    "What time is it in a stream?",
    "How do I resume?",
    "time",
  ])("asked %s looks it up in the documentation", async (question) => {
    expect(await askedFor({ tools, messages: [user(question)] })).toBeUndefined();
  });

  it("does without where there is none, or it is not to be called", async () => {
    const messages = [user("What time is it?")];
    expect(await askedFor({ messages })).toBeUndefined();
    expect(await askedFor({ messages, tools: [{ name: "other", inputSchema: {} }] })).toBeUndefined();
    expect(await askedFor({ messages, tools, toolChoice: "none" })).toBeUndefined();
  });

  it.each<[string, boolean, string]>([
    [
      '{"zone":"America/New_York","time":"09:00:00","date":"Thursday, 1 January 1970"}',
      false,
      "It is **09:00:00** in America/New York, on Thursday, 1 January 1970.",
    ],
    ["half past nine", false, "The clock says: half past nine"],
    ["The tool clock failed.", true, "The clock cannot be read: The tool clock failed."],
  ])("says what came of it: %s", async (text, isError, said) => {
    const result = { role: "tool" as const, call: "a", tool: "clock", text, isError };
    const { text: answer } = await collect(provider, { tools, messages: [user("What time is it?"), result] });
    expect(answer).toBe(`${said}\n\n${TOLD}`);
  });
});

describe("the guide model", () => {
  const provider = createGuideProvider({ documents, tokensPerSecond: 0 });
  const ask = async (question: string) => (await collect(provider, question)).text;

  it.each([
    ["What is SSE?", "guide/what-is-sse.md#what-is-sse", "one ordinary HTTP response that stays open"],
    ["what are server-sent events", "guide/what-is-sse.md#what-is-sse", "one ordinary HTTP response"],
    [
      "why not WebSockets",
      "guide/why-sse.md#why-not-websockets",
      "A WebSocket is a connection of its own kind",
    ],
    ["WebSocket vs SSE?", "guide/why-sse.md#sse-beside-websocket-and-polling", "| direction "],
    ["is it better than polling?", "guide/why-sse.md#why-not-polling", "Polling asks again and again"],
    ["how do I resume", "guide/resuming.md#how-do-i-resume-a-stream", "Last-Event-ID"],
    ["what is a cursor", "guide/resuming.md#what-a-cursor-is", "A cursor looks like"],
    ["how do I stop a run", "guide/resuming.md#how-do-i-stop-a-run", "curl -X POST"],
    ["can I cancel an answer?", "guide/resuming.md#how-do-i-stop-a-run", "cancelled"],
    [
      "do I pay twice if I reload?",
      "guide/resuming.md#reload-second-tab-and-paying-twice",
      "the URL is the key",
    ],
    [
      "what does the one-line client look like",
      "guide/what-is-sse.md#the-one-line-client",
      'new EventSource("/stream?prompt=',
    ],
    ["nginx buffers my stream", "guide/what-is-sse.md#proxies-buffering-and-timeouts", "X-Accel-Buffering"],
    ["how many connections can a browser open", "guide/what-is-sse.md#the-limit-of-six-connections", "six"],
    ["how do I use Ollama?", "guide/models.md#how-do-i-use-a-local-model", "11434"],
    ["where do I put my api key", "guide/models.md#how-do-i-use-a-model-with-an-api-key", "OPENAI_API_KEY"],
  ])("answers %j from %s", async (question, place, words) => {
    const answer = await ask(question);
    const [firstLink] = /→ \[[^\]]+\]\([^)]+\)/.exec(answer) ?? [];
    expect(firstLink).toContain(`(/docs/${place.replace(".md", ".html")})`);
    expect(answer.slice(0, answer.indexOf("→"))).toContain(words);
    expect(answer.endsWith(LABEL)).toBe(true);
  });

  it.each([
    "Who won the world cup in 1998?",
    "What is the capital of France?",
    "tell me a joke",
    "Why is the sky blue?",
    "ß∂ƒ",
  ])("says plainly that it found nothing for %j, and what it can be asked", async (question) => {
    const answer = await ask(question);
    expect(answer).toMatch(/^I found nothing about that in the documentation\./);
    expect(answer).toContain("- How do I stop a run?");
    expect(answer.endsWith(LABEL)).toBe(true);
  });

  it.each(["", "hello", "Hi there!", "What can you do?", "help"])(
    "introduces itself to %j",
    async (question) => {
      expect(await ask(question)).toContain("You can ask me, for example:");
    },
  );

  it("says so where only a part of the question is answered", async () => {
    expect(await ask("Does Caddy quokka?")).toMatch(/^I found nothing that answers exactly that\./);
  });

  it("takes a question without words of its own as one about the former question", async () => {
    const { text } = await collect(provider, {
      messages: [
        { role: "user", text: "How do I stop a run?" },
        { role: "assistant", text: "…" },
        { role: "user", text: "And how?" },
      ],
    });
    expect(text).toContain("#how-do-i-stop-a-run");
  });

  it("can answer each question that it names", async () => {
    const examples = (await ask("help")).match(/^- .+$/gm) ?? [];
    expect(examples).toHaveLength(6);
    for (const example of examples) expect(await ask(example.slice(2))).not.toContain("I found nothing");
  });

  it("links only to sections that exist", async () => {
    const anchors = new Set(
      splitDocuments(documents).map(
        ({ path, anchor }) => `/docs/${path.replace(/\.md$/, ".html")}#${anchor}`,
      ),
    );
    for (const { heading } of splitDocuments(documents)) {
      for (const [, target = ""] of (await ask(heading)).matchAll(/→ \[[^\]]+\]\(([^)]+)\)/g)) {
        expect(anchors).toContain(target);
      }
    }
  });

  it("writes word by word, at its rate", async () => {
    const clock = createFakeClock();
    const { events, text, finish } = await collect(
      createGuideProvider({ documents, ...clock }),
      "What is SSE?",
    );
    const words = events.flatMap((event) => (event.type === "text" ? [event.text] : []));
    expect(words.every((word) => /^\S+\s*$/.test(word))).toBe(true);
    expect(text).toBe(await ask("What is SSE?"));
    expect(clock.now()).toBeCloseTo(((words.length - 1) / 60) * 1_000, 0);
    expect(finish).toEqual({ type: "finish", reason: "stop", usage: { outputTokens: words.length } });
  });

  it("ends with length at the limit of the request", async () => {
    const { finish, events } = await collect(provider, {
      messages: [{ role: "user", text: "What is SSE?" }],
      maxTokens: 10,
    });
    expect(events).toHaveLength(11);
    expect(finish?.reason).toBe("length");
  });

  it("works without documents", async () => {
    const { text } = await collect(
      createGuideProvider({ documents: [], tokensPerSecond: 0 }),
      "What is SSE?",
    );
    expect(text).toContain("I found nothing");
  });

  it("answers whatever it is asked", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 200 }), async (question) => {
        expect((await collect(provider, question)).finish?.reason).toBe("stop");
      }),
    );
  });
});

describe("splitDocuments", () => {
  it("makes a passage of each section, with the anchor of its heading", () => {
    const text = `# Title\n\n${words(70)}\n\n## It's \`x\` & [y](z.md)\n\n${words(70)}\n\n## Twice\n\n${words(70)}\n\n## Twice\n\n${words(70)}\n`;
    expect(
      split(text).map(({ heading, anchor, title, isIntro }) => [heading, anchor, title, isIntro]),
    ).toEqual([
      ["Title", "title", "Title", true],
      ["It's x & y", "its-x--y", "Title", false],
      ["Twice", "twice", "Title", false],
      ["Twice", "twice-1", "Title", false],
    ]);
  });

  it("takes no heading out of a block of code, and keeps the block whole", () => {
    const code = `\`\`\`sh\n# no heading\n\n${Array.from({ length: 300 }, (_, i) => `echo ${i}`).join("\n")}\n\`\`\``;
    const passages = split(`# Title\n\nRun this:\n\n${code}\n\n${words(100)}`);
    expect(passages[0]?.text).toContain(code);
    expect(passages.map(({ heading }) => heading)).not.toContain("no heading");
  });

  it("cuts a long section between its blocks, and leaves nothing out", () => {
    const blocks = Array.from({ length: 12 }, (_, index) => `p${index} ${words(60)}`);
    const passages = split(`# Title\n\n${blocks.join("\n\n")}`);
    expect(passages.length).toBeGreaterThan(2);
    for (const { text } of passages) expect(text.split(/\s+/).length).toBeLessThanOrEqual(250);
    expect(passages.map(({ text }) => text).join("\n\n")).toBe(blocks.join("\n\n"));
  });

  it("takes a short section's subsections into it", () => {
    const passages = split(
      `# Title\n\n## Options\n\nThere are two.\n\n### First\n\n${words(60)}\n\n### Second\n\n${words(90)}`,
    );
    expect(passages.map(({ heading }) => heading)).toEqual(["Options", "Second"]);
    expect(passages[0]?.text).toContain("**First**");
  });

  it("leaves out the tables of the benchmark", () => {
    const [passage] = split(
      `# Title\n\nBefore.\n\n<!-- bench: a / b -->\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\nBehind.`,
    );
    expect(passage?.text).toBe("Before.\n\nBehind.");
  });

  it("makes passages of 60 to 250 words of our own documents", () => {
    for (const { text, heading } of splitDocuments(documents)) {
      const count = text.split(/\s+/).length;
      expect(count, heading).toBeGreaterThanOrEqual(60);
      expect(count, heading).toBeLessThanOrEqual(250);
    }
  });
});

describe("resolveLinks", () => {
  it.each([
    ["[a](b.md)", "[a](/d/docs/guide/b.md)"],
    ["[a](../../README.md#x)", "[a](/d/README.md#x)"],
    ["[a](#here)", "[a](/d/docs/guide/me.md#here)"],
    ["[a](https://example.org/b.md)", "[a](https://example.org/b.md)"],
    ["[a](/v1/models)", "[a](/v1/models)"],
  ])("makes of %s %s", (text, resolved) => {
    expect(resolveLinks(text, "docs/guide/me.md", link)).toBe(resolved);
  });
});

describe("loadGuideDocuments", () => {
  it("reads the documents of a built package, sorted, and nothing else", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace guide-"));
    for (const path of ["README.md", "docs/guide/b.md", "guide/a.md", "decisions/c.md", "guide/d.txt"]) {
      await mkdir(join(folder, path, ".."), { recursive: true });
      await writeFile(join(folder, path), `# ${path}`);
    }
    expect(await loadGuideDocuments(pathToFileURL(folder))).toEqual([
      { path: "README.md", text: "# README.md" },
      { path: "docs/guide/b.md", text: "# docs/guide/b.md" },
      { path: "guide/a.md", text: "# guide/a.md" },
    ]);
    await rm(folder, { recursive: true });
  });

  it("finds nothing in a folder that is not there", async () => {
    expect(await loadGuideDocuments(new URL("file:///nowhere/docs"))).toEqual([]);
  });
});

function split(text: string) {
  return splitDocuments([{ path: "a.md", text }]);
}

function words(count: number): string {
  return Array.from({ length: count }, (_, index) => `w${index}`).join(" ");
}

function link(path: string, anchor: string): string {
  return `/d/${path}${anchor === "" ? "" : `#${anchor}`}`;
}
