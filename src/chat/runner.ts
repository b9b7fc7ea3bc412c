import { StreamError } from "../protocol/error.ts";
import type { ErrorBody } from "../protocol/error.ts";
import type { EndReason, MessageEnd, MessageStart, RunEvent, Timing, Usage } from "../protocol/event.ts";
import { runStream } from "../protocol/names.ts";
import type { StreamName } from "../protocol/names.ts";
import type { KeyClaim, KeyRecord, Log } from "../log/log.ts";
import { sha256 } from "../protocol/hash.ts";
import type { ModelRegistry } from "./models.ts";
import type { PromptMessage, Provider, ProviderEvent } from "./provider.ts";
import { RunWriter } from "./run-writer.ts";

/** Who is speaking: runs, each one generation, apart from every connection. Only a stop, a limit or the provider ends one. */
export interface Runner {
  /** Starts a run, or finds the one that this key has started.
   *  Done:   its start and its key are committed; the provider is being asked.
   *  Errors: `unknown-model` 400, `key-reused` 422, `too-many-runs` 429, `draining` 503, those of the log. */
  start(request: StartRequest): Promise<StartOutcome>;
  /** Ends a run as `cancelled`, on whatever node its owner is, and answers with the end that won, also long after.
   *  Errors: `run-unknown` 404, those of the log. */
  stop(run: string): Promise<MessageEnd>;
  /** Ends as `interrupted` what a dead process left open. Returns how many runs that were. */
  recover(): Promise<number>;
  /** Runs that this process is generating. */
  readonly openRuns: number;
  /** Takes no more, and ends its open runs as `interrupted`. */
  close(): Promise<void>;
}

export interface StartRequest {
  messages: readonly PromptMessage[];
  /** Default: the registry's. */
  model?: string;
  /** The same key, the same run. */
  key?: KeyClaim;
}

export interface StartOutcome {
  status: "started" | "joined";
  run: string;
  stream: StreamName;
}

export interface RunnerOptions {
  /** How long the first delta may take, in milliseconds. Default 300,000. */
  firstDeltaMs?: number;
  /** How long a provider may be silent between deltas, in milliseconds. Default 60,000. */
  silenceMs?: number;
  /** Deltas after which a run ends with `length`. Default 100,000. */
  maxDeltas?: number;
  /** Runs at a time. Default 1,000. */
  maxRuns?: number;
  /** How long a run's stream is kept after its end, in milliseconds. Default 3,600,000. */
  keepMs?: number;
  /** Unix milliseconds. Default `Date.now`. */
  now?: () => number;
}

/** A run that this process is generating. */
interface OpenRun {
  id: string;
  stream: StreamName;
  startedAt: number;
  firstAt?: number;
  lastAt: number;
  deltas: number;
  texts: string[];
  writer: RunWriter;
  abort: AbortController;
  isOver: boolean;
  /** Resolves when its end is committed, or was said elsewhere. */
  ending?: Promise<void>;
}

/** Longer deltas are appended in parts, in UTF-16 code units. */
const MAX_DELTA_LENGTH = 32_768;

export function createRunner(log: Log, models: ModelRegistry, options: RunnerOptions = {}): Runner {
  const {
    firstDeltaMs = 300_000,
    silenceMs = 60_000,
    maxDeltas = 100_000,
    maxRuns = 1_000,
    keepMs = 3_600_000,
  } = options;
  const now = options.now ?? Date.now;
  const open = new Map<string, OpenRun>();
  let isClosed = false;

  async function start({ messages, model: wanted, key }: StartRequest): Promise<StartOutcome> {
    const known = key && (await log.key(key.id));
    if (known !== undefined) return join(known, key);
    if (isClosed)
      throw new StreamError("draining", "The server is stopping and starts no run. Ask again in a moment.");
    if (open.size >= maxRuns) {
      throw new StreamError(
        "too-many-runs",
        `${maxRuns} runs are open, which is the limit. Ask again when one has ended.`,
      );
    }
    const { provider, model } = await findModel(wanted);
    const id = createRunId();
    const stream = runStream(id);
    const startedAt = now();
    const prompt = messages.findLast((message) => message.role === "user")?.text ?? "";
    const event: MessageStart = { type: "message-start", message: id, run: id, model, at: startedAt, prompt };
    const outcome = await log.append(stream, [{ data: JSON.stringify(event) }], {
      create: { kind: "chat", retention: { closedTtlMs: keepMs } },
      writer: { id, epoch: 1, seq: 0 },
      ...(key && { key: { ...key, note: JSON.stringify({ run: id }) } }),
    });
    if (outcome.status === "replayed" || outcome.status === "key-reused") {
      return join(outcome.status === "replayed" ? outcome.record : undefined, key);
    }
    if (outcome.status !== "appended") throw new Error(`a new run could not be started: ${outcome.status}`);
    void generate(createOpenRun(id, stream, startedAt), provider, model, messages);
    return { status: "started", run: id, stream };
  }

  async function findModel(wanted: string | undefined): Promise<{ provider: Provider; model: string }> {
    const found = await models.find(wanted);
    if (found !== undefined) return { provider: found.provider, model: found.model };
    const nearest = wanted === undefined ? undefined : await models.suggest(wanted);
    throw new StreamError(
      "unknown-model",
      `There is no model ${JSON.stringify(wanted)}.${nearest === undefined ? "" : ` Did you mean ${JSON.stringify(nearest)}?`} GET /v1/models lists them.`,
    );
  }

  function createOpenRun(id: string, stream: StreamName, startedAt: number): OpenRun {
    const run: OpenRun = {
      id,
      stream,
      startedAt,
      lastAt: startedAt,
      deltas: 0,
      texts: [],
      writer: new RunWriter(log, stream, id, () => leave(run), { now }),
      abort: new AbortController(),
      isOver: false,
    };
    open.set(id, run);
    return run;
  }

  async function generate(
    run: OpenRun,
    provider: Provider,
    model: string,
    messages: readonly PromptMessage[],
  ): Promise<void> {
    const watch = watchSilence(run);
    try {
      for await (const event of provider.generate({ model, messages }, run.abort.signal)) {
        if (run.isOver) return;
        if (event.type === "finish") {
          await finish(run, event.reason, event.usage === undefined ? {} : { usage: event.usage });
          return;
        }
        take(run, event);
        if (run.deltas >= maxDeltas) {
          await finish(run, "length");
          return;
        }
        if (run.writer.isFull) await run.writer.room();
      }
      // A provider says `finish`; one that only stops has been cut off.
      await finish(run, "error", {
        error: new StreamError(
          "provider-failed",
          "The model stopped without saying that it was done. What it wrote is kept.",
        ).toJSON(),
      });
    } catch (error) {
      // Once it is over, the provider was told to stop, and says so.
      if (!run.isOver) await finish(run, "error", { error: toErrorBody(error) });
    } finally {
      clearInterval(watch);
    }
  }

  function take(run: OpenRun, event: Exclude<ProviderEvent, { type: "finish" }>): void {
    const type = event.type === "text" ? "text-delta" : "reasoning-delta";
    for (let at = 0; at < event.text.length; at += MAX_DELTA_LENGTH) {
      const text = event.text.slice(at, at + MAX_DELTA_LENGTH);
      run.lastAt = now();
      run.firstAt ??= run.lastAt;
      run.deltas += 1;
      if (event.type === "text") run.texts.push(text);
      run.writer.push(JSON.stringify({ type, message: run.id, text } satisfies RunEvent));
    }
  }

  /** Ends a run that says nothing for too long. One look a second, not one timer a token. */
  function watchSilence(run: OpenRun): ReturnType<typeof setInterval> {
    return setInterval(() => {
      const limit = run.firstAt === undefined ? firstDeltaMs : silenceMs;
      // While the log is away, it is not the provider that is silent.
      if (run.isOver || run.writer.isFull || now() - run.lastAt <= limit) return;
      const message = `The model said nothing for ${Math.round(limit / 1_000)} s, so it was given up. What it wrote is kept. Ask again, or raise the limit.`;
      void finish(run, "error", { error: new StreamError("provider-timeout", message).toJSON() });
    }, 1_000);
  }

  /** Ends a run with all that is known of it. The first end wins. */
  function finish(
    run: OpenRun,
    reason: EndReason,
    result: { usage?: Usage; error?: ErrorBody } = {},
  ): Promise<void> {
    if (!run.isOver) run.ending = sayEnd(run, reason, result);
    return run.ending ?? Promise.resolve();
  }

  async function sayEnd(
    run: OpenRun,
    reason: EndReason,
    { usage, error }: { usage?: Usage; error?: ErrorBody },
  ): Promise<void> {
    run.isOver = true;
    run.abort.abort();
    const end: MessageEnd = {
      type: "message-end",
      message: run.id,
      run: run.id,
      reason,
      timing: timing(run, usage),
    };
    if (usage !== undefined) end.usage = usage;
    if (error !== undefined) end.error = error;
    end.sha256 = await sha256(run.texts.join(""));
    await run.writer.end(JSON.stringify(end));
    leave(run);
  }

  function leave(run: OpenRun): void {
    run.isOver = true;
    run.abort.abort();
    open.delete(run.id);
  }

  function timing(run: OpenRun, usage?: Usage): Timing {
    const result: Timing = { totalMs: now() - run.startedAt };
    if (run.firstAt === undefined) return result;
    result.firstTokenMs = run.firstAt - run.startedAt;
    const tokens = (usage?.outputTokens ?? run.deltas) - 1;
    const seconds = (run.lastAt - run.firstAt) / 1_000;
    if (tokens > 0 && seconds > 0) result.tokensPerSecond = Math.round((tokens / seconds) * 10) / 10;
    return result;
  }

  async function stop(id: string): Promise<MessageEnd> {
    const run = open.get(id);
    const end: MessageEnd = { type: "message-end", message: id, run: id, reason: "cancelled" };
    if (run !== undefined) end.timing = timing(run);
    const won = await endRun(id, end);
    if (run !== undefined) {
      run.writer.abandon();
      leave(run);
    }
    return won;
  }

  /** Appends an end in the name of whoever says it; the first end wins and is returned. */
  async function endRun(id: string, end: MessageEnd): Promise<MessageEnd> {
    const stream = runStream(id);
    const outcome = await log.append(stream, [{ data: JSON.stringify(end) }], {
      endsWriter: id,
      close: true,
    });
    if (outcome.status === "appended") return end;
    const info = outcome.status === "missing" ? undefined : await log.info(stream);
    if (info === undefined)
      throw new StreamError("run-unknown", `There is no run ${JSON.stringify(id)}, or it ended long ago.`);
    const last = await log.read(stream, info.head - 1);
    const data = last.status === "page" ? last.entries.at(-1)?.data : undefined;
    if (data === undefined) throw new Error(`the run ${id} has ended without an end`);
    return JSON.parse(data) as MessageEnd; // the last event of a closed run
  }

  async function recover(): Promise<number> {
    const dead = (await log.openWriters()).filter((writer) => !open.has(writer.id));
    for (const { id } of dead) {
      await endRun(id, { type: "message-end", message: id, run: id, reason: "interrupted" });
    }
    return dead.length;
  }

  return {
    start,
    stop,
    recover,
    get openRuns() {
      return open.size;
    },
    async close() {
      isClosed = true;
      await Promise.all([...open.values()].map((run) => finish(run, "interrupted")));
    },
  };
}

function join(record: KeyRecord | undefined, key: KeyClaim | undefined): StartOutcome {
  if (record === undefined || record.digest !== key?.digest) {
    throw new StreamError(
      "key-reused",
      "This Idempotency-Key was used with another body. Send a new key with a new request.",
    );
  }
  return { status: "joined", run: record.stream.slice("runs/".length), stream: record.stream };
}

function toErrorBody(error: unknown): ErrorBody {
  if (error instanceof StreamError) return error.toJSON();
  // A provider of the user's own may throw anything: its text is for the log of the server, not for the reader.
  console.error("A provider failed:", error);
  return new StreamError("provider-failed", "The model failed. What it wrote is kept. Ask again.").toJSON();
}

/** 16 characters of base36 from 82 random bits. */
function createRunId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte % 36).toString(36)).join("");
}
