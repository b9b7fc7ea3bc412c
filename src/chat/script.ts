import { StreamError } from "../protocol/error.ts";
import { createClock, paceItems } from "./pace.ts";
import type { Clock } from "./pace.ts";
import type { GenerateRequest, Provider, ProviderEvent } from "./provider.ts";
import { scriptReasoning, scriptTokens } from "./script-text.ts";

export { scriptTokens } from "./script-text.ts";

const MODEL = "script";

/** What a prompt may say, and what holds where it says nothing. */
const SETTINGS = {
  tokens: { default: 100, max: 1_000_000 },
  rate: { default: 50, max: 1_000_000 },
  seed: { default: 1, max: 4_294_967_295 },
  reasoning: { default: 0, max: 100_000 },
  delay: { default: 0, max: 600_000 },
  fail: { default: Number.POSITIVE_INFINITY, max: 1_000_000 },
} as const;

type Setting = keyof typeof SETTINGS;

/** What the script model was told to do. */
export interface Script extends Record<Setting, number> {
  markdown: boolean;
  /** The tools that it calls, one after the other, each in a step of its own; those with commas between them in one. */
  tools?: readonly string[];
  /** The JSON text of their input. */
  input?: string;
}

/** Makes the provider of the model `script`: a deterministic generator for tests, benchmarks and torture.
 *  Shape:  the last user message says what to do, such as `tokens=500 rate=100 seed=7`; `parseScript` lists all of it.
 *  Order:  `delay`, then the reasoning, then the text, at `rate` per second by one schedule.
 *  Errors: `provider-refused` for a prompt that is no script; `provider-failed` after token `fail`. */
export function createScriptProvider(options: Partial<Clock> = {}): Provider {
  const clock = { ...createClock(), ...options };
  return {
    name: MODEL,
    canContinue: true,
    models: () =>
      Promise.resolve([
        {
          id: MODEL,
          origin: "built in",
          description: "Writes pseudo-words as told, such as tokens=500 rate=100 seed=7. For tests.",
        },
      ]),
    generate: (request, signal) => generate(request, signal, clock),
  };
}

/** Reads a script, such as `tokens=500 rate=100 seed=7 markdown=true`.
 *  Shape:  `tokens` (default 100), `rate` per second (50; 0: flat out), `seed` (1), `markdown` (false), `reasoning` tokens
 *          first (0), `tool` to call before (none; again: in the next step; several with commas: at once), `input` of it as JSON without
 *          spaces (`{}`), `delay` in ms before the first (0), `fail` after so many tokens (never); in any order.
 *  Errors: `provider-refused`, naming what is known. */
export function parseScript(prompt: string): Script {
  const script: Script = {
    tokens: SETTINGS.tokens.default,
    rate: SETTINGS.rate.default,
    seed: SETTINGS.seed.default,
    reasoning: SETTINGS.reasoning.default,
    delay: SETTINGS.delay.default,
    fail: SETTINGS.fail.default,
    markdown: false,
  };
  for (const word of prompt.split(/\s+/)) {
    if (word === "") continue;
    const [key = "", value = ""] = word.split("=", 2);
    if (key === "tool" && value !== "") script.tools = [...(script.tools ?? []), value];
    else if (key === "input") script.input = word.slice(key.length + 1);
    else if (key === "markdown" && (value === "true" || value === "false"))
      script.markdown = value === "true";
    else if (isSetting(key)) script[key] = parseNumber(key, value);
    else throw refuse(word);
  }
  return script;
}

async function* generate(
  request: GenerateRequest,
  signal: AbortSignal,
  clock: Clock,
): AsyncGenerator<ProviderEvent, void, undefined> {
  const prompt = request.messages.findLast(({ role }) => role === "user")?.text ?? "";
  const script = parseScript(prompt);
  const written = Math.min(script.tokens, request.maxTokens ?? script.tokens);
  if (script.delay > 0) await clock.sleep(script.delay, signal);
  const step = stepsSince(request.messages);
  const called = request.toolChoice === "none" ? undefined : script.tools?.[step];
  if (called !== undefined) {
    yield* paceItems(callEvents(called.split(","), script.input ?? "{}"), script.rate, clock, signal);
    yield { type: "finish", reason: "tool-calls" };
    return;
  }
  yield* paceItems(scriptEvents(script, written, request.continues), script.rate, clock, signal);
  yield {
    type: "finish",
    reason: written < script.tokens ? "length" : "stop",
    usage: {
      inputTokens: prompt.split(/\s+/).filter((word) => word !== "").length,
      outputTokens: script.reasoning + written,
    },
  };
}

/** How often it has called tools since the prompt. */
function stepsSince(messages: GenerateRequest["messages"]): number {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return messages.slice(last).filter((message) => message.role === "assistant" && message.calls !== undefined)
    .length;
}

function* callEvents(tools: readonly string[], input: string): Generator<ProviderEvent, void, undefined> {
  for (const [index, tool] of tools.entries()) {
    const call = `call_${index}`;
    yield { type: "tool-call", call, tool };
    for (let at = 0; at < input.length; at += 4)
      yield { type: "tool-input", call, text: input.slice(at, at + 4) };
  }
}

function* scriptEvents(
  script: Script,
  written: number,
  continues: string | undefined,
): Generator<ProviderEvent, void, undefined> {
  const reasoning = continues === undefined ? script.reasoning : 0;
  for (const text of scriptReasoning(reasoning, script.seed)) yield { type: "reasoning", text };
  // What was told to fail has failed when it is continued.
  const failsAt = continues === undefined ? script.fail : Number.POSITIVE_INFINITY;
  let known = continues?.length ?? 0;
  let count = 0;
  for (const text of scriptTokens(script)) {
    if (count === written) return;
    if (count === failsAt) throw fail(count);
    if (text.length > known) yield { type: "text", text: text.slice(known) };
    known = Math.max(0, known - text.length);
    count += 1;
  }
  if (count === failsAt) throw fail(count);
}

function fail(count: number): StreamError {
  return new StreamError("provider-failed", `The script failed after token ${count}, as it was told to.`);
}

function isSetting(key: string): key is Setting {
  return Object.hasOwn(SETTINGS, key);
}

function parseNumber(key: Setting, value: string): number {
  const { max } = SETTINGS[key];
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (number <= max) return number;
  throw new StreamError(
    "provider-refused",
    `${key}=${value.slice(0, 40)} cannot be used: ${key} is a whole number from 0 to ${max}.`,
  );
}

function refuse(word: string): StreamError {
  return new StreamError(
    "provider-refused",
    `The script model does not know ${JSON.stringify(word.slice(0, 40))}. It is told what to do, such as tokens=500 rate=100 seed=7; it knows ${Object.keys(SETTINGS).join(", ")} and markdown=true; tool=name calls a tool, with input={}.`,
  );
}
