import { StreamError } from "../protocol/error.ts";
import type { RunEvent, ToolApprovalRespond } from "../protocol/event.ts";
import { deltaHead } from "../protocol/merge.ts";
import type { PromptCall, PromptMessage, ProviderEvent } from "./provider.ts";
import { partEvent } from "./tool.ts";
import type { ReadyTool, Tool, Toolbox } from "./tool.ts";

export interface ToolCallsOptions {
  run: string;
  message: string;
  stream: string;
  owner?: string | undefined;
  /** What the server runs. Absent: who started the run does. */
  toolbox?: Toolbox | undefined;
  /** Appends an event of the run. */
  push: (event: RunEvent) => void;
  /** Appends the JSON text of a delta. */
  pushDelta: (data: string) => void;
  /** Waits for a person's answer to a call; rejects with `tool-timeout`. `ask` is called once it is listened to. */
  waitForAnswer: (call: string, signal: AbortSignal, ask: () => void) => Promise<ToolApprovalRespond>;
  /** Aborts when the run is over. */
  signal: AbortSignal;
  /** Hears what a tool threw that is for the log of the server, not for the model or the reader. */
  onFault: (tool: string, error: unknown) => void;
}

/** What came of the calls of one step. */
export interface StepResults {
  /** The calls as the model made them, and a message for each result. */
  calls: readonly PromptCall[];
  results: readonly PromptMessage[];
  /** Whether some are left to the one who started the run. */
  hasOpen: boolean;
}

type CallEvent = Extract<ProviderEvent, { type: "tool-call" | "tool-input" | "tool-output" }>;

interface Call {
  /** Its name in the log. */
  id: string;
  tool: string;
  executor: "client" | "provider" | undefined;
  head: string;
  text: string;
  providerMetadata?: Record<string, unknown>;
  /** What came of it, as the model is told. */
  result?: { text: string; isError?: boolean };
  input?: unknown;
  isWhole: boolean;
}

/** Calls of one run: a model that calls without end is stopped there. */
const MAX_CALLS = 128;
/** More than any provider lets a tool be called. */
const MAX_NAME_LENGTH = 256;
/** Of the JSON text of an input, and of an output, in characters. */
const MAX_INPUT_LENGTH = 200_000;
const MAX_OUTPUT_LENGTH = 200_000;
/** With what is around it, less than an event may have. */
const MAX_PART_LENGTH = 250_000;
const MAX_DELTA_LENGTH = 32_768;

/** The calls of a run: says them in the log as they come, and runs what the server runs. */
export class ToolCalls {
  readonly #options: ToolCallsOptions;
  /** Of this step, by the provider's name for them. */
  #calls = new Map<string, Call>();
  readonly #prefix = crypto.randomUUID().replaceAll("-", "").slice(0, 7);
  #count = 0;
  /** Those that the provider runs itself. */
  #providers = 0;

  constructor(options: ToolCallsOptions) {
    this.#options = options;
  }

  /** Whether the model has called anything in this step. */
  get hasCalls(): boolean {
    return [...this.#calls.values()].some(({ executor }) => executor !== "provider");
  }

  /** Errors: `provider-failed` beyond 128 calls, where a tool has no name or one of more than 256 characters, and where the provider speaks of a call that it never began. */
  take(event: CallEvent): void {
    if (event.type === "tool-call") {
      this.#begin(event);
      return;
    }
    const call = this.#calls.get(event.call);
    if (call === undefined)
      throw new StreamError("provider-failed", "The model's provider spoke of a call that it never began.");
    if (event.type === "tool-input") {
      if (event.providerMetadata !== undefined) call.providerMetadata = event.providerMetadata;
      this.#takeInput(call, event.text);
      return;
    }
    this.#readInput(call);
    const { push, message } = this.#options;
    try {
      const { json, output } = toJson(call.tool, event.output);
      if (event.isError !== true) {
        push({ type: "tool-output-end", message, call: call.id, output: JSON.parse(json) as unknown });
        return;
      }
      if (event.error !== undefined) this.#options.onFault(call.tool, event.error);
      throw new StreamError("tool-failed", (typeof output === "string" ? output : json).slice(0, 2_000));
    } catch (error) {
      this.#fail(call, error);
    }
  }

  /** After the model has said all of a step: reads the inputs, runs what the server runs, all at once.
   *  Done:   each call has its result, or is left to the one who started the run; or the run is over. */
  async settle(): Promise<StepResults> {
    const calls = [...this.#calls.values()].filter(({ executor }) => executor !== "provider");
    this.#calls = new Map();
    for (const call of calls) this.#readInput(call);
    await Promise.all(calls.filter(({ executor }) => executor === undefined).map((call) => this.#run(call)));
    return {
      calls: calls.map(({ id, tool, input, text, providerMetadata }) => ({
        call: id,
        tool,
        input: input === undefined ? text : JSON.stringify(input),
        ...(providerMetadata !== undefined && { providerMetadata }),
      })),
      results: calls.flatMap(({ id, tool, result }) =>
        result === undefined ? [] : [{ role: "tool" as const, call: id, tool, ...result }],
      ),
      hasOpen: calls.some(({ executor }) => executor === "client"),
    };
  }

  #begin({ call, tool, executor: named }: Extract<CallEvent, { type: "tool-call" }>): void {
    if (this.#count + this.#providers >= MAX_CALLS)
      throw new StreamError("provider-failed", `The model called tools more than ${MAX_CALLS} times.`);
    if (tool === "" || tool.length > MAX_NAME_LENGTH)
      throw new StreamError("provider-failed", "The model called a tool by what cannot be the name of one.");
    const { message, toolbox, push } = this.#options;
    const executor = named ?? (toolbox === undefined ? "client" : undefined);
    const number = executor === "provider" ? MAX_CALLS + this.#providers++ : this.#count++;
    // Nine letters and digits: Mistral takes no other names. The last two say which of the run's calls it is.
    const id = this.#prefix + number.toString(36).padStart(2, "0");
    const head = deltaHead("tool-input-delta", message, id);
    this.#calls.set(call, { id, tool, executor, head, text: "", isWhole: false });
    push({
      type: "tool-input-start",
      message,
      call: id,
      tool,
      ...(executor !== undefined && { executor }),
    });
  }

  #takeInput(call: Call, whole: string): void {
    const text = whole.slice(0, Math.max(0, MAX_INPUT_LENGTH + 1 - call.text.length));
    call.text += text;
    for (let at = 0; at < text.length; at += MAX_DELTA_LENGTH) {
      this.#options.pushDelta(`${call.head}${JSON.stringify(text.slice(at, at + MAX_DELTA_LENGTH))}}`);
    }
  }

  /** Says that the input of a call is whole. What its tool makes of it, `#run` finds out. */
  #readInput(call: Call): void {
    if (call.isWhole) return;
    call.isWhole = true;
    const isTooLong = call.text.length > MAX_INPUT_LENGTH;
    // Who is to run it may read its text, and must not take a part for the whole.
    if (isTooLong && call.executor === "client")
      throw new StreamError(
        "provider-failed",
        `The model called a tool with more than ${MAX_INPUT_LENGTH} characters.`,
      );
    // A tool without input is called with nothing, by some servers.
    if (call.text.trim() === "") this.#takeInput(call, "{}");
    try {
      if (isTooLong)
        throw new StreamError(
          "tool-input-invalid",
          `The input has more than ${MAX_INPUT_LENGTH} characters.`,
        );
      call.input = parseInput(call.text);
      if (call.executor !== undefined) this.#endInput(call);
    } catch (error) {
      this.#refuseInput(call, call.text.slice(0, MAX_INPUT_LENGTH), error);
    }
  }

  #endInput({ id, input, providerMetadata }: Call): void {
    const { message, push } = this.#options;
    push({
      type: "tool-input-end",
      message,
      call: id,
      input,
      ...(providerMetadata !== undefined && { providerMetadata }),
    });
  }

  #refuseInput(call: Call, input: unknown, error: unknown): void {
    const body = this.#toToolError(call.tool, error);
    call.result = { text: body.message, isError: true };
    this.#options.push({
      type: "tool-input-error",
      message: this.#options.message,
      call: call.id,
      input,
      error: body.toJSON(),
    });
  }

  async #run(call: Call): Promise<void> {
    if (call.result !== undefined) return;
    const { message, toolbox, push, signal, waitForAnswer } = this.#options;
    const { id, tool: name } = call;
    const tool = toolbox?.find(name);
    let input: unknown;
    try {
      if (tool === undefined)
        throw new StreamError("tool-unknown", `There is no tool ${JSON.stringify(name.slice(0, 64))}.`);
      input = await tool.check(call.input);
    } catch (error) {
      this.#refuseInput(call, call.input, error);
      return;
    }
    this.#endInput(call);
    try {
      if (tool.needsApproval) {
        const ask = () => push({ type: "tool-approval-request", message, call: id });
        const { approved, reason } = await waitForAnswer(id, signal, ask);
        if (!approved) {
          call.result = { text: deniedText(reason), isError: true };
          return;
        }
      }
      const { json, output } = toJson(name, await this.#within(tool, input, id));
      if (signal.aborted) return;
      call.result = { text: typeof output === "string" ? output : json };
      push({ type: "tool-output-end", message, call: id, output: JSON.parse(json) as unknown });
    } catch (error) {
      // A run that is over takes no more, and nobody is told.
      if (!signal.aborted) this.#fail(call, error);
    }
  }

  #fail(call: Call, error: unknown): void {
    const body = this.#toToolError(call.tool, error);
    call.result = { text: body.message, isError: true };
    const { message, push } = this.#options;
    push({ type: "tool-output-error", message, call: call.id, error: body.toJSON() });
  }

  /** A tool may throw anything: its text is for the log of the server. */
  #toToolError(tool: string, error: unknown): StreamError {
    if (error instanceof StreamError) return error;
    this.#options.onFault(tool, error);
    return new StreamError("tool-failed", `The tool ${tool} failed.`);
  }

  /** Runs a tool, and waits for it no longer than it may take. */
  async #within({ run, timeoutMs, spec }: ReadyTool, input: unknown, call: string): Promise<unknown> {
    const { signal, run: id, message, stream, owner, push } = this.#options;
    const abort = new AbortController();
    const leave = () => abort.abort(signal.reason);
    signal.addEventListener("abort", leave);
    if (signal.aborted) leave();
    const timer = setTimeout(
      () =>
        abort.abort(new StreamError("tool-timeout", `The tool ${spec.name} took more than ${timeoutMs} ms.`)),
      timeoutMs,
    );
    const gone = new Promise<never>((_, reject) => {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an abort's reason is passed on as it is
      abort.signal.addEventListener("abort", () => reject(abort.signal.reason));
    });
    const write: Parameters<Tool["run"]>[1]["write"] = (part) => {
      if (abort.signal.aborted) return;
      const event = partEvent(message, part);
      if (!/^(?:data-.|source-url$|file$)/.test(event.type) || JSON.stringify(event).length > MAX_PART_LENGTH)
        throw new StreamError(
          "invalid-event",
          `A part has a type such as data-progress, and at most ${MAX_PART_LENGTH} characters of JSON.`,
        );
      push(event);
    };
    try {
      abort.signal.throwIfAborted();
      const context = { signal: abort.signal, call, run: id, message, stream, write };
      const running = Promise.resolve(run(input, owner === undefined ? context : { ...context, owner }));
      // Not waited for any more once it is too late: then nobody is told how it failed.
      running.catch(() => {});
      return await Promise.race([running, gone]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
    }
  }
}

/** Which of the calls of its run this is, from 0. Undefined: one that the provider runs itself. */
export function callIndex(call: string): number | undefined {
  const index = Number.parseInt(call.slice(-2), 36);
  return index < MAX_CALLS ? index : undefined;
}

/** What a model is told of a call that a person did not allow. */
export function deniedText(reason: string | undefined): string {
  return `The person did not allow this call${reason === undefined ? "." : `: ${reason}`}`;
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new StreamError("tool-input-invalid", "The input is no JSON.", { cause });
  }
}

function toJson(tool: string, output: unknown): { json: string; output: unknown } {
  let json: string | undefined;
  try {
    json = JSON.stringify(output ?? null);
  } catch (cause) {
    throw new StreamError("tool-failed", `The tool ${tool} returned what is no JSON.`, { cause });
  }
  if (json === undefined) throw new StreamError("tool-failed", `The tool ${tool} returned what is no JSON.`);
  if (json.length <= MAX_OUTPUT_LENGTH) return { json, output };
  throw new StreamError(
    "output-too-large",
    `The tool ${tool} returned ${json.length} characters of JSON; at most ${MAX_OUTPUT_LENGTH} are taken.`,
  );
}
