import { StreamError } from "../protocol/error.ts";
import type { ErrorBody } from "../protocol/error.ts";
import type { ChatEvent, EndReason, MessageEnd, Timing, Usage } from "../protocol/event.ts";
import { formatCursor, requireCursor } from "../protocol/cursor.ts";
import { runStream } from "../protocol/names.ts";
import type { KeyClaim, KeyRecord, Log } from "../log/log.ts";
import { sha256 } from "../protocol/hash.ts";
import { deltaHead } from "../protocol/merge.ts";
import { createId } from "./id.ts";
import { continued, startEvent } from "./run-start.ts";
import type { RunPlace, StartOutcome, StartRequest } from "./run-start.ts";
import type { FoundModel, ModelRegistry } from "./models.ts";
import type { GenerateRequest, Provider, ProviderEvent } from "./provider.ts";
import { RunWriter } from "./run-writer.ts";

/** Who is speaking: runs, each one generation, apart from every connection. Only a stop, a limit or the provider ends one. */
export interface Runner {
  /** Starts a run, or finds the one that this key has started.
   *  Done:   its start and its key are committed; the provider is being asked.
   *  Errors: `unknown-model` 400, `run-active` 409 where one is open in the chat, `key-reused` 422, `too-many-runs` 429, `draining` 503, those of the log. */
  start(request: StartRequest): Promise<StartOutcome>;
  /** Ends a run as `cancelled`, on whatever node its owner is, and answers with the end that won, also long after.
   *  Errors: `run-unknown` 404, those of the log. */
  stop(run: string): Promise<MessageEnd>;
  /** Ends a run that writes into a chat. Undefined: it had ended before, and that end stands in the chat. */
  endInChat(
    run: string,
    chat: RunPlace,
    reason: "cancelled" | "interrupted",
  ): Promise<MessageEnd | undefined>;
  /** Ends as `interrupted` what a dead process left open under `runs/`. Returns how many runs that were. */
  recover(): Promise<number>;
  /** Runs that this process is generating. */
  readonly openRuns: number;
  /** Takes no more, and ends its open runs as `interrupted`. */
  close(): Promise<void>;
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
  /** Hears how long each run's first delta took, in milliseconds. */
  onFirstDelta?: (ms: number) => void;
  /** Unix milliseconds. Default `Date.now`. */
  now?: () => number;
}

/** A run that this process is generating. */
interface OpenRun extends RunPlace {
  id: string;
  startedAt: number;
  firstAt?: number;
  lastAt: number;
  deltas: number;
  /** How the JSON of its deltas begins. */
  textHead: string;
  reasoningHead: string;
  texts: string[];
  writer: RunWriter;
  abort: AbortController;
  isOver: boolean;
  /** Resolves when its end is committed, or was said elsewhere. */
  ending?: Promise<void>;
  onLeft: () => void;
}

/** Why a provider is told to stop: made once, since an abort without a reason makes an error with a stack for each run. */
const OVER = new StreamError("provider-failed", "The run is over.");

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

  async function start(request: StartRequest): Promise<StartOutcome> {
    const { messages, maxTokens, sampling, key, chat } = request;
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
    const { provider, model, id: modelId } = await findModel(request.model);
    const run = createId();
    const place = { stream: chat?.stream ?? runStream(run), message: chat?.continues?.message ?? run };
    const startedAt = now();
    const events: ChatEvent[] = [
      ...(chat?.before ?? []),
      startEvent(run, place.message, modelId, startedAt, request),
    ];
    const isStopped = chat?.stopKey !== undefined && (await log.key(chat.stopKey)) !== undefined;
    if (isStopped) events.push({ type: "message-end", message: place.message, run, reason: "cancelled" });
    const outcome = await log.append(
      place.stream,
      events.map((event) => ({ data: JSON.stringify(event) })),
      {
        ...(chat === undefined && { create: { kind: "chat", retention: { closedTtlMs: keepMs } } }),
        writer: { id: run, epoch: 1, seq: 0 },
        isSole: true,
        ...(isStopped && { endsWriter: run }),
        ...(key && {
          key: { ...key, note: JSON.stringify({ run, message: place.message, events: events.length }) },
        }),
      },
    );
    if (outcome.status === "replayed" || outcome.status === "key-reused") {
      return join(outcome.status === "replayed" ? outcome.record : undefined, key);
    }
    if (outcome.status === "occupied") throw runActive(outcome.writer);
    if (outcome.status !== "appended") throw new Error(`a new run could not be started: ${outcome.status}`);
    const after = cursorBefore(outcome.cursor, events.length);
    const started = { status: "started", run, ...place, after } as const;
    if (isStopped) return { ...started, ended: Promise.resolve() };
    const ended = new Promise<void>((resolve) => {
      const openRun = createOpenRun(run, place, startedAt, resolve);
      const before = chat?.continues;
      if (before !== undefined) openRun.texts.push(before.text);
      void generate(openRun, provider, {
        model,
        ...continued(provider, messages, before?.text),
        ...(maxTokens !== undefined && { maxTokens }),
        ...(sampling !== undefined && { sampling }),
      });
    });
    // Said between the look above and the start: whoever stops looks for the start after it has said so.
    if (chat?.stopKey !== undefined && (await log.key(chat.stopKey)) !== undefined)
      await endInChat(run, place, "cancelled");
    return { ...started, ended };
  }

  async function findModel(wanted: string | undefined): Promise<FoundModel> {
    const found = await models.find(wanted);
    if (found !== undefined) return found;
    const nearest = wanted === undefined ? undefined : await models.suggest(wanted);
    throw new StreamError(
      "unknown-model",
      `There is no model ${JSON.stringify(wanted)}.${nearest === undefined ? "" : ` Did you mean ${JSON.stringify(nearest)}?`} GET /v1/models lists them.`,
    );
  }

  function createOpenRun(id: string, place: RunPlace, startedAt: number, onLeft: () => void): OpenRun {
    const run: OpenRun = {
      id,
      ...place,
      onLeft,
      startedAt,
      lastAt: startedAt,
      deltas: 0,
      textHead: deltaHead("text-delta", place.message),
      reasoningHead: deltaHead("reasoning-delta", place.message),
      texts: [],
      writer: new RunWriter(log, place.stream, id, () => leave(run), { now, closes: isOwnStream(id, place) }),
      abort: new AbortController(),
      isOver: false,
    };
    open.set(id, run);
    return run;
  }

  async function generate(run: OpenRun, provider: Provider, request: GenerateRequest): Promise<void> {
    const watch = watchSilence(run);
    try {
      const answer = provider.generate(request, run.abort.signal);
      for await (const first of answer) {
        // What came together goes on together.
        for (let event: ProviderEvent | undefined = first; event !== undefined; event = answer.shift?.()) {
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
        }
        run.writer.flush();
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
    const head = event.type === "text" ? run.textHead : run.reasoningHead;
    for (let at = 0; at < event.text.length; at += MAX_DELTA_LENGTH) {
      const text = event.text.slice(at, at + MAX_DELTA_LENGTH);
      run.lastAt = now();
      if (run.firstAt === undefined) {
        run.firstAt = run.lastAt;
        options.onFirstDelta?.(run.firstAt - run.startedAt);
      }
      run.deltas += 1;
      if (event.type === "text") run.texts.push(text);
      run.writer.push(`${head}${JSON.stringify(text)}}`);
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
    run.abort.abort(OVER);
    const end: MessageEnd = {
      type: "message-end",
      message: run.message,
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
    run.abort.abort(OVER);
    open.delete(run.id);
    run.onLeft();
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
    const stream = runStream(id);
    const won = await endInChat(id, { stream, message: id }, "cancelled");
    if (won !== undefined) return won;
    const info = await log.info(stream);
    if (info === undefined)
      throw new StreamError("run-unknown", `There is no run ${JSON.stringify(id)}, or it ended long ago.`);
    const last = await log.read(stream, info.head - 1);
    const data = last.status === "page" ? last.entries.at(-1)?.data : undefined;
    if (data === undefined) throw new Error(`the run ${id} has ended without an end`);
    return JSON.parse(data) as MessageEnd; // the last event of a closed run
  }

  /** Appends an end in the name of whoever says it. Undefined: another end was first, or there is no such run. */
  async function endInChat(
    id: string,
    place: RunPlace,
    reason: "cancelled" | "interrupted",
  ): Promise<MessageEnd | undefined> {
    const run = open.get(id);
    const end: MessageEnd = { type: "message-end", message: place.message, run: id, reason };
    if (run !== undefined) end.timing = timing(run);
    const outcome = await log.append(place.stream, [{ data: JSON.stringify(end) }], {
      endsWriter: id,
      close: isOwnStream(id, place),
    });
    if (run !== undefined) {
      run.writer.abandon();
      leave(run);
    }
    return outcome.status === "appended" ? end : undefined;
  }

  async function recover(): Promise<number> {
    const dead = (await log.openWriters()).filter(
      ({ id, stream }) => stream.startsWith("runs/") && !open.has(id),
    );
    for (const { id, stream } of dead) await endInChat(id, { stream, message: id }, "interrupted");
    return dead.length;
  }

  return {
    start,
    stop,
    endInChat,
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
  // The note was written by `start`, with its key.
  const note = JSON.parse(record.note ?? "{}") as { run: string; message: string; events: number };
  const { run, message, events } = note;
  const after = cursorBefore(record.cursor, events);
  return { status: "joined", run, message, stream: record.stream, after, ended: Promise.resolve() };
}

/** The cursor before an append of so many events, from that of its last. */
function cursorBefore(cursor: string, events: number): string {
  const { epoch, offset } = requireCursor(cursor);
  return formatCursor({ epoch, offset: offset - events });
}

function isOwnStream(run: string, { stream }: RunPlace): boolean {
  return stream === runStream(run);
}

function runActive(run: string): StreamError {
  return new StreamError(
    "run-active",
    "An answer is being written in this chat. Stop it, or wait until it is done.",
    { run },
  );
}

function toErrorBody(error: unknown): ErrorBody {
  if (error instanceof StreamError) return error.toJSON();
  // A provider of the user's own may throw anything: its text is for the log of the server, not for the reader.
  console.error("A provider failed:", error);
  return new StreamError("provider-failed", "The model failed. What it wrote is kept. Ask again.").toJSON();
}
