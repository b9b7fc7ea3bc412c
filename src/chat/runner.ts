import { StreamError } from "../protocol/error.ts";
import type { ErrorBody } from "../protocol/error.ts";
import type { ChatEvent, EndReason, MessageEnd, Usage } from "../protocol/event.ts";
import { runStream } from "../protocol/names.ts";
import type { Said } from "../protocol/part.ts";
import type { Bus } from "../log/bus.ts";
import type { AppendOptions, AppendOutcome, Log, OpenWriter } from "../log/log.ts";
import { sha256 } from "../protocol/hash.ts";
import { deltaHead } from "../protocol/merge.ts";
import { createId } from "./id.ts";
import { continueText, isOwnStream, lookOf, reportOf, timingOf } from "./open-run.ts";
import type { OpenRun } from "./open-run.ts";
import { createSpeech } from "./run-speech.ts";
import { LOCAL, continued, cursorBefore, join, runActive, startEvent } from "./run-start.ts";
import type { Recovery, RunPlace, StartOutcome, StartRequest } from "./run-start.ts";
import type { FoundModel, ModelRegistry } from "./models.ts";
import type { RunLease, RunLimiter } from "./run-limits.ts";
import { MAX_TAKEOVERS, canGoOn, claimRun, readDeadRun } from "./run-takeover.ts";
import type { DeadRun, TakeoverOutcome } from "./run-takeover.ts";
import { answerCall } from "./tool-answer.ts";
import type { ApprovalAnswer } from "./tool-answer.ts";
import { createToolbox, offered } from "./tool.ts";
import type { Tools } from "./tool.ts";
import { faultText } from "./run-reports.ts";
import type { RunBegan, RunEnded, RunFault, RunLook, RunWarning } from "./run-reports.ts";
import { RunWriter } from "./run-writer.ts";
import type { Refusal } from "./run-writer.ts";

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
  /** Answers a call of a tool that waits for a person, on whatever node its run is. The first answer holds.
   *  Errors: `call-answered` 409, `run-ended` 409, those of the log. */
  answerCall(place: RunPlace, answer: Omit<ApprovalAnswer, "message">): Promise<"answered" | "repeated">;
  /** Goes on with a run whose process is gone, where `recovery` says so. */
  takeOver(dead: DeadRun): Promise<TakeoverOutcome>;
  /** Takes over what dead processes left open under `runs/`, or ends it as `interrupted`. Returns how many runs were ended. */
  recover(): Promise<number>;
  /** Runs that this process is generating. */
  readonly openRuns: number;
  /** The same, as they stand, latest last. */
  look(): RunLook[];
  /** Takes no more. Resolves when its open runs have ended by themselves, or after this time. */
  drain(graceMs: number): Promise<void>;
  /** Takes no more, and ends its open runs as `interrupted`; or, where `recovery` says so, leaves them to who goes on with them. */
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
  /** What becomes of runs whose process is gone. Default `interrupted`. */
  recovery?: Recovery;
  /** What models may call, and this process runs. A run that names its own has those instead. Default: nothing. */
  tools?: Tools;
  /** How often the model is asked in one run: each time but the first with the results of tools, the last time to answer without another
   *  call. Default 8. */
  maxSteps?: number;
  /** How long a call waits for a person who allows it, in milliseconds. Default 3,600,000; at most 86,400,000. */
  approvalMs?: number;
  /** Hears how long each run's first delta took, in milliseconds. */
  onFirstDelta?: (ms: number) => void;
  /** Hears of each run that begins, and of its end. */
  onBegin?: (run: RunBegan) => void;
  onEnd?: (run: RunEnded) => void;
  /** Hears of a run of a process that is gone, once it goes on here. */
  onTakenOver?: (run: RunBegan) => void;
  /** Hears what a provider or a tool threw: an error of ours has told the reader. Default: to standard error. */
  onFault?: (fault: RunFault) => void;
  /** Hears what a provider says to who runs the server. Default: to standard error. */
  onWarning?: (warning: RunWarning) => void;
  /** Tells the other nodes that a run was stopped, and hears it from them. Without it an owner learns so from its next append. */
  bus?: Bus;
  /** Counts what people cost, and refuses what is too much. */
  limiter?: RunLimiter | undefined;
  /** Unix milliseconds. Default `Date.now`. */
  now?: () => number;
}

/** Why a provider is told to stop: made once, since an abort without a reason makes an error with a stack for each run. */
const OVER = new StreamError("provider-failed", "The run is over.");

/** Between two attempts to say the end of a run that the log would not take. */
const RETRY_END_MS = 1_000;
const MAX_APPROVAL_MS = 86_400_000;
/** Between two looks whether the last run has ended. */
const LOOK_MS = 25;

export function createRunner(log: Log, models: ModelRegistry, options: RunnerOptions = {}): Runner {
  const {
    firstDeltaMs = 300_000,
    silenceMs = 60_000,
    maxDeltas = 100_000,
    maxRuns = 1_000,
    keepMs = 3_600_000,
    recovery = "interrupted",
    maxSteps = 8,
  } = options;
  const now = options.now ?? Date.now;
  const toolbox = createToolbox(options.tools);
  const approvalMs = Math.min(options.approvalMs ?? 3_600_000, MAX_APPROVAL_MS);
  const open = new Map<string, OpenRun>();
  let isDraining = false;
  let isClosed = false;
  const generate = createSpeech({
    log,
    firstDeltaMs,
    silenceMs,
    maxDeltas,
    maxSteps,
    approvalMs,
    now,
    onFirstDelta: options.onFirstDelta,
    onFault: options.onFault ?? (({ tool, error }) => console.error(`${faultText(tool)}:`, error)),
    onWarning: options.onWarning ?? (({ message }) => console.warn(message)),
    finish,
  });
  const unsubscribe = options.bus?.subscribe("stop", (id) => {
    const run = open.get(id);
    if (run === undefined) return;
    run.writer.abandon();
    run.reason = "cancelled";
    leave(run);
  });

  async function start(request: StartRequest): Promise<StartOutcome> {
    const { key, messages, owner = LOCAL } = request;
    const known = key && (await log.key(key.id));
    if (known !== undefined) return join(known, key);
    if (isDraining || isClosed)
      throw new StreamError("draining", "The server is stopping and starts no run. Ask again in a moment.");
    if (open.size >= maxRuns) {
      throw new StreamError(
        "too-many-runs",
        `${maxRuns} runs are open, which is the limit. Ask again when one has ended.`,
      );
    }
    const found = request.answerer ?? (await findModel(request.model));
    const lease = options.limiter?.begin(owner, messages);
    try {
      const outcome = await startFound(request, found, lease);
      if (outcome.status === "joined") lease?.drop();
      return outcome;
    } catch (error) {
      lease?.drop();
      throw error;
    }
  }

  async function startFound(
    request: StartRequest,
    { provider, model, id: modelId }: FoundModel,
    lease: RunLease | undefined,
  ): Promise<StartOutcome> {
    const { messages, maxTokens, sampling, key, chat, toolChoice, callsInParallel } = request;
    const run = createId();
    const place = { stream: chat?.stream ?? runStream(run), message: chat?.continues?.message ?? run };
    const startedAt = now();
    const first = startEvent(run, place.message, modelId, startedAt, request, recovery);
    const events: ChatEvent[] = [...(chat?.before ?? []), first];
    const isStopped = chat?.stopKey !== undefined && (await log.key(chat.stopKey)) !== undefined;
    if (isStopped) events.push({ type: "message-end", message: place.message, run, reason: "cancelled" });
    const note = JSON.stringify({ run, message: place.message, events: events.length });
    const outcome = await appendStart(run, place, events, {
      ...(chat === undefined && { create: { kind: "chat", retention: { closedTtlMs: keepMs } } }),
      writer: { id: run, epoch: 1, seq: 0 },
      isSole: true,
      ...(isStopped && { endsWriter: run }),
      ...(key && { key: { ...key, note } }),
    });
    // Our own, where its first answer was lost.
    const isOurs = outcome.status === "replayed" && outcome.record.note === note;
    if (outcome.status === "key-reused" || (outcome.status === "replayed" && !isOurs)) {
      return join(outcome.status === "replayed" ? outcome.record : undefined, key);
    }
    if (outcome.status === "occupied") throw runActive(outcome.writer);
    if (outcome.status !== "appended" && outcome.status !== "repeated" && outcome.status !== "replayed")
      throw new Error(`a new run could not be started: ${outcome.status}`);
    const cursor = outcome.status === "replayed" ? outcome.record.cursor : outcome.cursor;
    const after = cursorBefore(cursor, events.length);
    const started = { status: "started", run, ...place, after } as const;
    if (isStopped) {
      lease?.drop();
      return { ...started, ended: Promise.resolve() };
    }
    const ended = new Promise<void>((resolve) => {
      const openRun = createOpenRun(run, place, startedAt, resolve, {
        lease,
        model: modelId,
        request: request.request,
      });
      const isAllThere = chat !== undefined || "whole" in first;
      openRun.mayMove = recovery === "continue" && isAllThere && request.answerer === undefined;
      const before = chat?.continues;
      if (before !== undefined) continueText(openRun, provider, before);
      openRun.owner = chat?.owner;
      // An answer of the caller's own is asked once.
      if (request.tools === undefined && request.answerer === undefined) equip(openRun);
      const tools = request.tools ?? openRun.toolbox?.specs ?? [];
      void generate(openRun, provider, {
        model,
        ...continued(provider, messages, before?.tail),
        ...(tools.length > 0 && {
          tools,
          areToolsOptional: request.tools === undefined && (toolChoice ?? "auto") === "auto",
          ...(toolChoice !== undefined && { toolChoice }),
          ...(callsInParallel !== undefined && { callsInParallel }),
        }),
        ...(maxTokens !== undefined && { maxTokens }),
        ...(sampling !== undefined && { sampling }),
      });
    });
    // Said between the look above and the start: whoever stops looks for the start after it has said so.
    if (chat?.stopKey !== undefined && (await log.key(chat.stopKey)) !== undefined)
      await endInChat(run, place, "cancelled");
    return { ...started, ended };
  }

  /** Appends the start of a run. Where no answer comes it is sent once more; and then it is not left open, should it be there. */
  async function appendStart(
    run: string,
    place: RunPlace,
    events: readonly ChatEvent[],
    appendOptions: AppendOptions,
  ): Promise<AppendOutcome> {
    const texts = events.map((event) => ({ data: JSON.stringify(event) }));
    const send = () => log.append(place.stream, texts, appendOptions);
    try {
      return await send().catch((error: unknown) => {
        if (isLost(error)) return send();
        throw error;
      });
    } catch (error) {
      if (isLost(error)) void endLater(run, place);
      throw error;
    }
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

  function createOpenRun(
    id: string,
    place: RunPlace,
    startedAt: number,
    onLeft: () => void,
    {
      epoch = 1,
      lease,
      model,
      request,
    }: { epoch?: number; lease?: RunLease | undefined; model?: string; request?: string | undefined } = {},
  ): OpenRun {
    const onRefused = (refusal: Refusal) => {
      leave(run);
      if (refusal === "lost") void endLater(id, place, epoch);
    };
    const run: OpenRun = {
      id,
      ...place,
      onLeft,
      lease,
      model,
      request,
      startedAt,
      lastAt: startedAt,
      deltas: 0,
      textHead: deltaHead("text-delta", place.message),
      reasoningHead: deltaHead("reasoning-delta", place.message),
      texts: [],
      told: 0,
      isWaiting: false,
      waitedMs: 0,
      hasBegun: false,
      writer: new RunWriter(log, place.stream, id, onRefused, { now, epoch, closes: isOwnStream(id, place) }),
      abort: new AbortController(),
      isOver: false,
      mayMove: false,
    };
    open.set(id, run);
    options.onBegin?.({ run: id, stream: place.stream, model, request, startedAt });
    return run;
  }

  /** Gives a run the server's tools. */
  function equip(run: OpenRun): void {
    run.toolbox = offered(toolbox, run.model, !isOwnStream(run.id, run));
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
      timing: timingOf(run, now(), usage),
    };
    if (usage !== undefined) run.usage = end.usage = usage;
    if (error !== undefined) end.error = error;
    end.sha256 = await sha256(run.texts.join(""));
    await run.writer.end(JSON.stringify(end));
    run.reason ??= reason;
    run.error ??= error?.code;
    leave(run);
  }

  /** Ends a run whose events the log has not taken, or has lost: its readers must not wait for ever. */
  async function endLater(run: string, place: RunPlace, epoch = 1): Promise<void> {
    for (;;) {
      try {
        const isMoved = ({ id, ...writer }: OpenWriter) => id === run && writer.epoch > epoch;
        if (recovery === "continue" && (await log.openWriters()).some(isMoved)) return;
        await endInChat(run, place, "interrupted");
        return;
      } catch (error) {
        // After a start, or on another node, it is ended as what a dead process left open.
        if (!(error instanceof StreamError) || isClosed) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_END_MS));
      }
    }
  }

  /** Leaves a run as it is, with all that it has said: whoever recovers it goes on. */
  async function handOver(run: OpenRun): Promise<void> {
    if (run.isOver) return run.ending;
    run.isOver = true;
    run.abort.abort(OVER);
    await run.writer.settle();
    leave(run);
  }

  function leave(run: OpenRun): void {
    run.isOver = true;
    run.abort.abort(OVER);
    if (open.delete(run.id)) options.onEnd?.(reportOf(run, now()));
    run.lease?.end({ usage: run.usage, deltas: run.deltas });
    run.onLeft();
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
    if (run !== undefined) end.timing = timingOf(run, now());
    const outcome = await log.append(place.stream, [{ data: JSON.stringify(end) }], {
      endsWriter: id,
      close: isOwnStream(id, place),
    });
    if (run !== undefined) {
      run.writer.abandon();
      if (outcome.status === "appended") run.reason = reason;
      leave(run);
    }
    if (run === undefined && outcome.status === "appended") options.bus?.publish("stop", id);
    return outcome.status === "appended" ? end : undefined;
  }

  async function recover(): Promise<number> {
    const dead = (await (log.deadWriters?.() ?? log.openWriters())).filter(
      ({ id, stream }) => stream.startsWith("runs/") && !open.has(id),
    );
    const ended = await Promise.all(
      dead.map(async (writer) => {
        const read = recovery === "continue" ? await readDeadRun(log, writer) : undefined;
        if (read !== undefined && (await takeOver(read)).status !== "refused") return false;
        const { id, stream } = writer;
        await endInChat(id, { stream, message: id }, "interrupted");
        return true;
      }),
    );
    return ended.filter(Boolean).length;
  }

  async function takeOver(dead: DeadRun): Promise<TakeoverOutcome> {
    if (recovery !== "continue") return { status: "refused" };
    if (isDraining || isClosed || open.has(dead.id)) return { status: "elsewhere" };
    const found = await models.find(dead.model);
    if (found === undefined || open.size >= maxRuns || dead.epoch > MAX_TAKEOVERS || !canGoOn(dead.said))
      return { status: "refused" };
    const { id, messages, readSaid } = dead;
    const epoch = dead.epoch + 1;
    let said: Said | undefined;
    try {
      if (!(await claimRun(log, dead, now()))) return { status: "elsewhere" };
      // Not before: until then the former owner may have written.
      said = await readSaid();
    } catch (error) {
      if (isLost(error)) void endLater(id, dead, epoch);
      throw error;
    }
    if (said !== undefined && !canGoOn(said)) void endLater(id, dead, epoch);
    if (said === undefined || !canGoOn(said)) return { status: "elsewhere" };
    const before = said.text;
    const ended = new Promise<void>((resolve) => {
      const run = createOpenRun(id, { stream: dead.stream, message: dead.message }, now(), resolve, {
        epoch,
        model: found.id,
      });
      const { stream, model, request, startedAt } = run;
      options.onTakenOver?.({ run: id, stream, model, request, startedAt });
      run.mayMove = true;
      continueText(run, found.provider, { text: before, tail: before });
      equip(run);
      void generate(run, found.provider, {
        model: found.model,
        ...continued(found.provider, messages, before),
        ...(run.toolbox !== undefined &&
          run.toolbox.specs.length > 0 && { tools: run.toolbox.specs, areToolsOptional: true }),
      });
    });
    return { status: "taken", ended };
  }

  return {
    start,
    answerCall: ({ stream, message }, answer) => answerCall(log, stream, { message, ...answer }, now()),
    stop,
    endInChat,
    takeOver,
    recover,
    get openRuns() {
      return open.size;
    },
    look: () => [...open.values()].map(lookOf),
    async drain(graceMs) {
      isDraining = true;
      const endsAt = performance.now() + graceMs;
      while (open.size > 0 && performance.now() < endsAt) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    },
    async close() {
      isClosed = true;
      unsubscribe?.();
      const runs = [...open.values()];
      await Promise.all(
        runs.map((run) =>
          run.mayMove && run.calls === undefined ? handOver(run) : finish(run, "interrupted"),
        ),
      );
    },
  };
}

function isLost(error: unknown): boolean {
  return error instanceof StreamError && error.code === "log-unavailable";
}
