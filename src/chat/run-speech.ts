import type { Log } from "../log/log.ts";
import { StreamError } from "../protocol/error.ts";
import type { ErrorBody } from "../protocol/error.ts";
import type { EndReason, Usage } from "../protocol/event.ts";
import type { OpenRun } from "./open-run.ts";
import type { GenerateRequest, PromptMessage, Provider, ProviderEvent } from "./provider.ts";
import type { RunFault, RunWarning } from "./run-reports.ts";
import { waitForAnswer } from "./tool-answer.ts";
import { ToolCalls } from "./tool-calls.ts";
import { partEvent } from "./tool.ts";

export interface SpeechOptions {
  log: Log;
  firstDeltaMs: number;
  silenceMs: number;
  maxDeltas: number;
  maxSteps: number;
  approvalMs: number;
  now: () => number;
  onFirstDelta: ((ms: number) => void) | undefined;
  /** Hears what a provider or a tool threw that is for the log of the server, not for the reader. */
  onFault: (fault: RunFault) => void;
  onWarning: (warning: RunWarning) => void;
  /** Ends a run. The first end wins. */
  finish: (run: OpenRun, reason: EndReason, result?: { usage?: Usage; error?: ErrorBody }) => Promise<void>;
}

/** Lets a model speak into a run, and runs what it calls, until it has said all, or the run is over. Resolves then. */
export type Speech = (run: OpenRun, provider: Provider, request: GenerateRequest) => Promise<void>;

/** Longer deltas are appended in parts, in UTF-16 code units. */
const MAX_DELTA_LENGTH = 32_768;
/** What is neither text nor reasoning cannot be parted, in characters of JSON. */
const MAX_PART_LENGTH = 250_000;

/** A silence of the model that is worth a word to who looks, and how many of them are kept. */
const STALL_MS = 2_000;
const MAX_STALLS = 20;

export function createSpeech({
  log,
  firstDeltaMs,
  silenceMs,
  maxDeltas,
  maxSteps,
  approvalMs,
  now,
  onFirstDelta,
  onFault,
  onWarning,
  finish,
}: SpeechOptions): Speech {
  /** Asks the model, and again with the results of what it called, until it has said all. */
  async function generate(run: OpenRun, provider: Provider, request: GenerateRequest): Promise<void> {
    const watch = watchSilence(run);
    try {
      const { id, stream, request: startedBy } = run;
      const warn = (message: string) => onWarning({ run: id, stream, request: startedBy, message });
      let asked: GenerateRequest = { ...request, warn };
      let usage: Usage | undefined;
      for (let step = 1; ; step++) {
        const said = await answer(run, provider, asked);
        if (said === undefined) return;
        usage = addUsage(usage, said.usage);
        if (usage !== undefined) run.usage = usage;
        const counted = usage === undefined ? {} : { usage };
        if (said.reason === "length" || run.calls?.hasCalls !== true) {
          await finish(run, said.reason === "tool-calls" ? "stop" : said.reason, counted);
          return;
        }
        const results = await settle(run, run.calls);
        if (run.isOver) return;
        if (results === undefined) {
          await finish(run, "tool-calls", counted);
          return;
        }
        if (step >= maxSteps) {
          const error = new StreamError(
            "provider-failed",
            `The model still called tools when it had been asked ${maxSteps} times, which is the limit. What it wrote is kept.`,
          );
          await finish(run, "error", { ...counted, error: error.toJSON() });
          return;
        }
        const { continues: _, ...rest } = asked;
        asked = { ...rest, messages: [...asked.messages, ...results] };
        if (step + 1 >= maxSteps) asked.toolChoice = "none";
        // What had to be called was called.
        else delete asked.toolChoice;
        run.writer.push(JSON.stringify({ type: "step-start", message: run.message }));
      }
    } catch (error) {
      // Once it is over, the provider was told to stop, and says so.
      if (!run.isOver) await finish(run, "error", { error: toErrorBody(run, error) });
    } finally {
      clearInterval(watch);
    }
  }

  /** A provider of the user's own may throw anything. */
  function toErrorBody({ id, stream, request }: OpenRun, error: unknown): ErrorBody {
    if (error instanceof StreamError) return error.toJSON();
    onFault({ run: id, stream, request, error });
    return new StreamError("provider-failed", "The model failed. What it wrote is kept. Ask again.").toJSON();
  }

  /** Takes all that the model says to one request. Undefined: the run is over. */
  async function answer(
    run: OpenRun,
    provider: Provider,
    request: GenerateRequest,
  ): Promise<Extract<ProviderEvent, { type: "finish" }> | undefined> {
    const events = provider.generate(request, run.abort.signal);
    for await (const first of events) {
      // What came together goes on together.
      for (let event: ProviderEvent | undefined = first; event !== undefined; event = events.shift?.()) {
        if (run.isOver) return undefined;
        if (event.type === "finish") return event;
        if (event.type === "text" || event.type === "reasoning") take(run, event);
        else takeOther(run, event);
        if (run.deltas >= maxDeltas) {
          await finish(run, "length");
          return undefined;
        }
      }
      run.writer.flush();
      if (run.writer.isFull) await run.writer.room();
    }
    // A provider says `finish`; one that only stops has been cut off.
    throw new StreamError(
      "provider-failed",
      "The model stopped without saying that it was done. What it wrote is kept.",
    );
  }

  function take(run: OpenRun, event: { type: "text" | "reasoning"; text: string }): void {
    const head = event.type === "text" ? run.textHead : run.reasoningHead;
    for (let at = 0; at < event.text.length; at += MAX_DELTA_LENGTH) {
      const text = event.text.slice(at, at + MAX_DELTA_LENGTH);
      count(run);
      if (event.type === "text") run.texts.push(text);
      run.writer.push(`${head}${JSON.stringify(text)}}`);
    }
  }

  function count(run: OpenRun): void {
    const at = now();
    if (run.hasBegun && at - run.lastAt >= STALL_MS) noteStall(run, at);
    run.lastAt = at;
    run.hasBegun = true;
    run.deltas += 1;
    if (run.firstAt !== undefined) return;
    run.firstAt = run.lastAt;
    onFirstDelta?.(run.firstAt - run.startedAt);
  }

  /** Takes what is neither text nor reasoning. */
  function takeOther(
    run: OpenRun,
    event: Exclude<ProviderEvent, { type: "text" | "reasoning" | "finish" }>,
  ): void {
    count(run);
    if (event.type === "part") {
      const data = JSON.stringify(partEvent(run.message, event.part));
      if (data.length > MAX_PART_LENGTH)
        throw new StreamError(
          "output-too-large",
          `The model said a part of ${data.length} characters; at most ${MAX_PART_LENGTH} are taken. What it wrote before is kept.`,
        );
      run.writer.push(data);
    } else (run.calls ??= callsOf(run)).take(event);
  }

  function callsOf(run: OpenRun): ToolCalls {
    const { id, message, stream, owner, request, toolbox: mine, abort } = run;
    return new ToolCalls({
      run: id,
      message,
      stream,
      owner,
      toolbox: mine,
      signal: abort.signal,
      push(event) {
        run.writer.push(JSON.stringify(event));
        run.writer.flush();
      },
      pushDelta: (data) => run.writer.push(data),
      onFault: (tool, error) => onFault({ run: id, stream, request, tool, error }),
      async waitForAnswer(call, signal, ask) {
        try {
          return await waitForAnswer(log, stream, call, { signal, ask, timeoutMs: approvalMs });
        } catch (error) {
          // The model is not asked what to do without its stream.
          if (error instanceof StreamError && error.code === "log-unavailable") endLost(run, error);
          throw error;
        }
      },
    });
  }

  /** Ends a run whose stream is gone: its end may find no place there, and then only the server hears of it. */
  function endLost(run: OpenRun, error: StreamError): void {
    run.reason = "error";
    run.error = error.code;
    void finish(run, "error", { error: error.toJSON() });
  }

  /** Runs what was called in a step. Undefined: some of it is left to who started the run. Else what the model is told of the step. */
  async function settle(run: OpenRun, toolCalls: ToolCalls): Promise<PromptMessage[] | undefined> {
    const begun = now();
    run.isWaiting = true;
    const { calls, results, hasOpen } = await toolCalls.settle();
    run.isWaiting = false;
    run.hasBegun = false;
    run.lastAt = now();
    run.waitedMs += run.lastAt - begun;
    if (hasOpen) return undefined;
    const text = run.texts.slice(run.told).join("");
    run.told = run.texts.length;
    return [{ role: "assistant", text, calls }, ...results];
  }

  /** Ends a run that says nothing for too long. One look a second, not one timer a token. */
  function watchSilence(run: OpenRun): ReturnType<typeof setInterval> {
    return setInterval(() => {
      const limit = run.hasBegun ? silenceMs : firstDeltaMs;
      // While the log is away, or a tool runs, it is not the provider that is silent.
      if (run.isOver || run.isWaiting || run.writer.isFull || now() - run.lastAt <= limit) return;
      const message = `The model said nothing for ${Math.round(limit / 1_000)} s, so it was given up. What it wrote is kept. Ask again, or raise the limit.`;
      void finish(run, "error", { error: new StreamError("provider-timeout", message).toJSON() });
    }, 1_000);
  }

  return generate;
}

function noteStall(run: OpenRun, at: number): void {
  const stalls = (run.stalls ??= []);
  if (stalls.length < MAX_STALLS) stalls.push({ at: run.lastAt, ms: at - run.lastAt });
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one + other;
}

function addUsage(one: Usage | undefined, other: Usage | undefined): Usage | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const inputTokens = sum(one.inputTokens, other.inputTokens);
  const outputTokens = sum(one.outputTokens, other.outputTokens);
  return {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
  };
}
