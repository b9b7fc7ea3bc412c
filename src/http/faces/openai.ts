import { Hono } from "hono";
import type { Context } from "hono";
import { readRun } from "../../chat/run-reader.ts";
import type { ReadRun } from "../../chat/run-reader.ts";
import type { Runner } from "../../chat/runner.ts";
import type { Hub, ReadingStart } from "../../hub/hub.ts";
import type { KeyClaim, Log } from "../../log/log.ts";
import { parseCursor, resolveCursor } from "../../protocol/cursor.ts";
import { StreamError } from "../../protocol/error.ts";
import { sha256 } from "../../protocol/hash.ts";
import type { StreamName } from "../../protocol/names.ts";
import { accessOf } from "../auth/access.ts";
import { idempotencyKey, readJson } from "../body.ts";
import { openEventStream } from "../event-stream.ts";
import { setHeader } from "../headers.ts";
import type { Edge } from "../event-stream.ts";
import { waitForEnd } from "../wait-for-end.ts";
import { refuseOpenAI } from "./openai-error.ts";
import { createOpenAIFormat, runFailure, toChatCompletion } from "./openai-format.ts";
import { parseChatRequest } from "./openai-request.ts";

export interface OpenAIOptions {
  log: Log;
  hub: Hub;
  runner: Runner;
  edge?: Edge | undefined;
  now: () => number;
}

const KEY_TTL_MS = 24 * 3_600_000;

/** `POST /v1/chat/completions`: a run, as whoever speaks OpenAI's interface starts and reads one.
 *  End:    the run ends when the request that started it is left, unless that said `X-Millrace-Persist`.
 *  Source: PROTOCOL.md "OpenAI-compatible". */
export function openAIRoutes({ log, hub, runner, edge, now }: OpenAIOptions): Hono {
  const routes = new Hono();

  routes.post("/v1/chat/completions", async (context) => {
    const access = accessOf(context);
    access.checkRun();
    const { text, value } = await readJson(context);
    const { start, isStreamed, wantsUsage } = parseChatRequest(value);
    const key = await keyClaim(context, text);
    const cursor = context.req.header("last-event-id") || undefined;
    if (cursor !== undefined) await checkKnown(key);
    const { status, run, stream } = await runner.start({
      ...start,
      request: context.get("requestId"),
      owner: access.id,
      ...(key && { key }),
    });
    setHeader(context, "X-Millrace-Run", run);
    if (status === "joined") setHeader(context, "Idempotency-Replayed", "true");
    // Who joins an answer later does not end it by leaving.
    const isBound = status === "started" && !isPersistent(context);
    const onGone = isBound ? () => void runner.stop(run).catch(ignoreRefusal) : () => {};
    try {
      const { state } = await readAnswer(stream);
      if (status === "joined" && state.reason === "cancelled") throw cancelled();
      if (!isStreamed) return await answerWhole(context, stream, onGone, key !== undefined);
      return await openEventStream(context, hub, edge, {
        stream,
        format: createOpenAIFormat(state, { wantsUsage, runsTools: start.tools !== undefined }),
        from: cursor === undefined ? { at: "start" } : await resumeAt(stream, cursor),
        neverAges: true,
        onGone,
      });
    } catch (error) {
      onGone();
      throw error;
    }
  });

  async function keyClaim(context: Context, text: string): Promise<KeyClaim | undefined> {
    const key = idempotencyKey(context);
    if (key === undefined) return undefined;
    return {
      id: `${accessOf(context).id} POST /v1/chat/completions ${key}`,
      digest: await sha256(text),
      expiresAt: now() + KEY_TTL_MS,
    };
  }

  /** A request with a cursor goes on with an answer; it starts none. */
  async function checkKnown(key: KeyClaim | undefined): Promise<void> {
    if (key !== undefined && (await log.key(key.id)) !== undefined) return;
    throw new StreamError(
      "run-unknown",
      "Last-Event-ID goes on with an answer, but no answer has this Idempotency-Key. Leave it out to start one.",
    );
  }

  async function resumeAt(stream: StreamName, text: string): Promise<ReadingStart> {
    const info = await log.info(stream);
    const cursor = parseCursor(text);
    if (info && cursor && resolveCursor(info, cursor).status === "honoured") {
      return { at: "after", cursor, info };
    }
    throw new StreamError(
      "invalid-cursor",
      "This Last-Event-ID is none of this answer's. Send back an id as it was received, or none.",
    );
  }

  async function answerWhole(
    context: Context,
    stream: StreamName,
    onGone: () => void,
    hasKey: boolean,
  ): Promise<Response> {
    const { signal } = context.req.raw;
    await waitForEnd(log, stream, signal);
    if (signal.aborted) {
      onGone();
      // Nobody reads it.
      return new Response(null, { status: 499 });
    }
    const { state, entries } = await readAnswer(stream);
    const failure = runFailure(state);
    if (failure === undefined) return context.json(toChatCompletion(state, entries));
    // The same key would get the same failed run.
    return refuseOpenAI(context, failure, failure.isRetryable && !hasKey);
  }

  async function readAnswer(stream: StreamName): Promise<ReadRun> {
    const read = await readRun(log, stream);
    if (read !== undefined) return read;
    throw new StreamError("run-unknown", "This answer ended long ago and is no longer kept. Send a new key.");
  }

  return routes;
}

function isPersistent(context: Context): boolean {
  return ["1", "true"].includes(context.req.header("x-millrace-persist")?.toLowerCase() ?? "");
}

/** Half an answer must not pass for a whole one. */
function cancelled(): StreamError {
  return new StreamError(
    "run-ended",
    "The answer of this Idempotency-Key was cancelled in the middle. Send a new key to start another.",
  );
}

/** For a stop that comes after the end, or while the log is away: such a run ends by itself. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof StreamError)) throw error;
}
