import { Hono } from "hono";
import type { Context } from "hono";
import type { Runner } from "../chat/runner.ts";
import type { Format } from "../hub/format.ts";
import type { Hub, ReadingStart } from "../hub/hub.ts";
import type { KeyRecord, Log } from "../log/log.ts";
import { parseCursor, resolveCursor } from "../protocol/cursor.ts";
import { StreamError } from "../protocol/error.ts";
import type { RunEvent } from "../protocol/event.ts";
import { deltaText } from "../protocol/merge.ts";
import { sha256 } from "../protocol/hash.ts";
import type { StreamName } from "../protocol/names.ts";
import { encodeSse } from "../protocol/sse-encode.ts";
import { answerPage } from "./answer-page.ts";
import { accessOf } from "./auth/access.ts";
import { closedEventStream, openEventStream, requestCursor } from "./event-stream.ts";
import type { Edge } from "./event-stream.ts";
import { checkStart } from "./guard.ts";
import type { GuardOptions } from "./guard.ts";
import { MAX_PROMPT_LENGTH } from "./runs.ts";
import { named, streamFormat } from "./stream-format.ts";

export interface StreamPromptOptions extends GuardOptions {
  log: Log;
  hub: Hub;
  runner: Runner;
  edge?: Edge | undefined;
  now: () => number;
}

/** How long the same URL names the same run after its last reader left. */
const BINDING_MS = 10 * 60_000;
/** A binding is forgotten after so long even if nobody ever came back to end it. */
const MAX_BINDING_MS = 24 * 3_600_000;
const PARAMETERS = new Set(["prompt", "model", "key", "last_event_id"]);

/** `GET /stream?prompt=…`: the one-line client. The URL is the key: it names a run of this principal.
 *  Source: PROTOCOL.md "Runs". */
export function streamPromptRoutes(options: StreamPromptOptions): Hono {
  const { log, hub, runner, edge, now } = options;
  /** Readers of each binding in this process. */
  const readers = new Map<string, number>();
  const routes = new Hono();

  routes.get("/stream", async (context) => {
    if (context.req.method === "HEAD") return closedEventStream(context, "");
    const { raw } = context.req;
    const isNavigation = raw.headers.get("sec-fetch-mode") === "navigate" && !raw.headers.has("sec-purpose");
    if (isNavigation) return answerPage(context);
    checkStart(raw, options);
    try {
      return await answer(context);
    } catch (error) {
      // EventSource cannot see a status: what fails is said in the stream.
      if (error instanceof StreamError) return refusal(context, error);
      throw error;
    }
  });

  async function answer(context: Context): Promise<Response> {
    const cursor = requestCursor(context);
    // Whatever else it asks: a page that comes back to a refusal is told that nothing more comes.
    if (cursor !== undefined && parseCursor(cursor) === undefined) return context.body(null, 204);
    const access = accessOf(context);
    access.checkRun();
    const owner = access.id;
    const { prompt, model, key } = parseQuery(context);
    const id = `prompt ${await sha256(JSON.stringify([owner, prompt, model, key]))}`;
    if (cursor !== undefined) return resume(context, id, cursor);
    await dropLeft(id);
    const { status, stream } = await runner.start({
      messages: [{ role: "user", text: prompt }],
      mayMove: true,
      owner,
      request: context.get("requestId"),
      ...(model !== undefined && { model }),
      key: { id, digest: id, expiresAt: now() + MAX_BINDING_MS },
    });
    if (status === "started") expireWithRun(id, stream);
    return read(context, id, stream, { at: "start" });
  }

  /** A request with a cursor never starts anything: the page has an answer, and this may only bring the rest of it. */
  async function resume(context: Context, id: string, text: string): Promise<Response> {
    const record = await log.key(id);
    const info = record && (await log.info(record.stream));
    const cursor = parseCursor(text);
    if (record === undefined || info === undefined || cursor === undefined) return context.body(null, 204);
    const resumption = resolveCursor(info, cursor);
    const isRead = info.isClosed && cursor.offset === info.head;
    if (resumption.status === "reset" || isRead) return context.body(null, 204);
    return read(context, id, record.stream, { at: "after", cursor, info });
  }

  async function read(
    context: Context,
    id: string,
    stream: StreamName,
    from: ReadingStart,
  ): Promise<Response> {
    readers.set(id, (readers.get(id) ?? 0) + 1);
    let isGone = false;
    const onGone = () => {
      if (isGone) return;
      isGone = true;
      const left = (readers.get(id) ?? 1) - 1;
      if (left > 0) readers.set(id, left);
      else readers.delete(id);
      if (left === 0) void expireIfEnded(id, stream).catch(ignoreUnavailable);
    };
    try {
      return await openEventStream(context, hub, edge, {
        stream,
        format: promptFormat,
        from,
        onGone,
      });
    } catch (error) {
      onGone();
      throw error;
    }
  }

  /** The binding outlives an open run; it ends some time after the run has ended and nobody reads. */
  function expireWithRun(id: string, stream: StreamName): void {
    const unwatch = log.watch(stream, (commit) => {
      if (commit.type === "appended" && !commit.info.isClosed) return;
      unwatch();
      if (!readers.has(id)) void log.expireKey(id, now() + BINDING_MS).catch(ignoreUnavailable);
    });
  }

  async function expireIfEnded(id: string, stream: StreamName): Promise<void> {
    const info = await log.info(stream);
    if (info?.isClosed === true) await log.expireKey(id, now() + BINDING_MS);
  }

  /** A run's stream is kept for a time; a binding whose stream has gone names nothing. */
  async function dropLeft(id: string): Promise<void> {
    const record: KeyRecord | undefined = await log.key(id);
    if (record !== undefined && (await log.info(record.stream)) === undefined) await log.expireKey(id, now());
  }

  return routes;
}

function parseQuery(context: Context): {
  prompt: string;
  model: string | undefined;
  key: string | undefined;
} {
  const query = context.req.query();
  const unknown = Object.keys(query).find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) {
    throw new StreamError(
      "invalid-request",
      `/stream takes prompt, model and key, not ${JSON.stringify(unknown.slice(0, 60))}.`,
    );
  }
  const { prompt = "", model, key } = query;
  if (prompt.trim() === "")
    throw new StreamError("invalid-request", "Say what to answer: /stream?prompt=What+is+SSE");
  if (prompt.length > MAX_PROMPT_LENGTH) {
    throw new StreamError(
      "prompt-too-large",
      `A prompt has at most ${MAX_PROMPT_LENGTH} characters here. POST /v1/runs takes the same.`,
    );
  }
  return { prompt, model, key };
}

function refusal(context: Context, error: StreamError): Response {
  const wait = 2_000 + Math.round(Math.random() * 6_000);
  if (error.code === "draining" || error.code === "overloaded")
    return closedEventStream(context, encodeSse({ retry: wait }));
  // The id makes a page that does not close come back with a cursor: it gets 204 then, and is quiet.
  return closedEventStream(
    context,
    named("end", { reason: "error", error: error.toJSON() }, "refused", wait),
  );
}

/** A run as the one-line client reads it: `onmessage` sees `{"text"}`, and `end` says that it is over, and why. */
const promptFormat: Format = {
  ...streamFormat,
  name: "prompt",
  start: (start, retry, id) =>
    named("stream-start", { run: start.stream.slice("runs/".length), ...start }, id, retry),
  entry(cursor, { data }) {
    const text = deltaText(data, "text-delta");
    if (text !== undefined) return `id: ${cursor}\ndata: {"text":${text}}\n\n`;
    const event = JSON.parse(data) as RunEvent; // only the runner writes runs
    switch (event.type) {
      case "message-start":
      case "message-continue":
        return encodeSse({ id: cursor });
      case "text-delta":
        return `id: ${cursor}\ndata: {"text":${JSON.stringify(event.text)}}\n\n`;
      case "reasoning-delta":
        return named("reasoning", { text: event.text }, cursor);
      case "message-end": {
        const { type: _, message: __, ...end } = event;
        return named("end", end, cursor);
      }
      default:
        return encodeSse({ id: cursor });
    }
  },
  // `end` has said it.
  end: () => "",
};

/** For what is done again by the next reader who leaves. */
function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof StreamError)) throw error;
}
