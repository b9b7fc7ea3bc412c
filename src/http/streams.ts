import { Hono } from "hono";
import type { Context } from "hono";
import { z } from "zod";
import { startOf } from "../hub/hub.ts";
import type { Hub, ReadingStart } from "../hub/hub.ts";
import type { Presence } from "../hub/presence.ts";
import type { AppendOutcome, Log, NewEvent, StreamInfo } from "../log/log.ts";
import { cursorAt, formatCursor, parseCursor, requireCursor, resolveCursor } from "../protocol/cursor.ts";
import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import { sha256 } from "../protocol/hash.ts";
import { accessOf, forbidden } from "./auth/access.ts";
import { unknownStream } from "./auth/check-read.ts";
import { idempotencyKey, readBody, readJson } from "./body.ts";
import { setHeader } from "./headers.ts";
import {
  EVENT_STREAM_HEADERS,
  answerJson,
  openEventStream,
  requestCursor,
  wantsEvents,
} from "./event-stream.ts";
import type { Edge } from "./event-stream.ts";
import { bindConnection } from "./presence.ts";
import { requestName, writableName } from "./request-name.ts";
import { streamFormat } from "./stream-format.ts";

export interface StreamsOptions {
  log: Log;
  edge?: Edge | undefined;
  readStream: StreamReader;
  now: () => number;
}

const PREFIX = "/v1/streams/";
/** So many events may be appended at a time. */
export const MAX_EVENTS = 1_000;
const MAX_KEY_LENGTH = 256;
const KEY_TTL_MS = 24 * 3_600_000;
const READ_LIMIT = 1_000;
/** Names that are made by the server with their first event: nobody else can make them come. */
export const MADE_BY_SERVER = /^(runs|chats)\//;

const positive = z.number().int().positive();
export const createSchema = z.strictObject({
  kind: z.enum(["log", "state"]).describe("`log` keeps every event, `state` the last one of each key"),
  retention: z
    .strictObject({
      maxEvents: positive.max(1_000_000).optional().describe("In `state`: keys. Default 10,000"),
      maxBytes: positive.optional().describe("Characters of JSON text. Default 67,108,864"),
      maxAgeMs: positive.optional().describe("Default 30 days"),
      closedTtlMs: positive.optional().describe("How long it is kept once it is closed. Default: for ever"),
    })
    .optional()
    .describe("What is kept, whichever bound is reached first"),
});

/** `/v1/streams/{name}`: create, append, read, delete. Source: PROTOCOL.md "Streams". */
export function streamRoutes({ log, edge, readStream, now }: StreamsOptions): Hono {
  const routes = new Hono();

  routes.put(`${PREFIX}*`, async (context) => {
    const name = await writableName(context, PREFIX);
    const { body } = await readBody(context, createSchema);
    const retention = Object.fromEntries(
      Object.entries(body.retention ?? {}).filter(([, value]) => value !== undefined),
    );
    const outcome = await log.create(name, { kind: body.kind, retention });
    if (outcome.status === "kind-conflict") {
      throw new StreamError(
        "kind-conflict",
        `${name} exists and is of kind ${outcome.info.kind}. Delete it first, or take another name.`,
      );
    }
    return context.json(describe(name, outcome.info), outcome.status === "created" ? 201 : 200);
  });

  routes.post(`${PREFIX}*`, async (context) => {
    const name = await writableName(context, PREFIX);
    const { text, value } = await readJson(context);
    const isClosing = context.req.query("close") === "true";
    if (isClosing) await accessOf(context).check("close", name);
    const info = await log.info(name);
    const events = parseEvents(value, info?.kind ?? "log", isClosing);
    const key = idempotencyKey(context);
    const outcome = await log.append(name, events, {
      create: { kind: "log" },
      close: isClosing,
      ...(key !== undefined && {
        key: {
          id: `${accessOf(context).id} POST ${name} ${key}`,
          digest: await sha256(`${isClosing} ${text}`),
          expiresAt: now() + KEY_TTL_MS,
        },
      }),
    });
    const cursor = appended(outcome, name);
    if (outcome.status === "replayed") setHeader(context, "Idempotency-Replayed", "true");
    return answerJson(context, edge, { cursor }, 201);
  });

  routes.delete(`${PREFIX}*`, async (context) => {
    const name = await writableName(context, PREFIX, "close");
    if (!(await log.delete(name))) throw unknownStream(name);
    return context.body(null, 204);
  });

  // Hono sends HEAD to the handler of GET.
  routes.get(`${PREFIX}*`, (context) => readStream(context, requestName(context, PREFIX)));

  return routes;
}

export interface StreamReaderOptions {
  log: Log;
  hub: Hub;
  presence: Presence;
  edge?: Edge | undefined;
}

/** Answers a GET or HEAD with a stream: events, or a page of them. */
export type StreamReader = (context: Context, name: StreamName) => Promise<Response>;

export function createStreamReader({ log, hub, presence, edge }: StreamReaderOptions): StreamReader {
  async function readEvents(
    context: Context,
    name: StreamName,
    info: StreamInfo | undefined,
    comesFromNobodyElse: boolean,
  ): Promise<Response> {
    const cursor = requestCursor(context) ?? afterCursor(context);
    if (info === undefined && comesFromNobodyElse) return context.body(null, 204);
    const parsed = cursor === undefined ? undefined : parseCursor(cursor);
    const isRead = info?.isClosed === true && parsed !== undefined && parsed.offset === info.head;
    if (isRead && resolveCursor(info, parsed).status === "honoured") return context.body(null, 204);
    const from = readingStart(context, info);
    const onGone = await bindConnection(context, presence);
    return openEventStream(context, hub, edge, {
      stream: name,
      format: streamFormat,
      from,
      ...(onGone && { onGone }),
    });
  }

  async function readPage(
    context: Context,
    name: StreamName,
    info: StreamInfo | undefined,
  ): Promise<Response> {
    if (info === undefined) throw unknownStream(name);
    const from = readingStart(context, info);
    const after = from.at === "after" ? from.cursor.offset : from.at === "now" ? info.head : startOf(info);
    const outcome = await log.read(name, after, { maxEntries: READ_LIMIT, maxLength: 1_048_576 });
    if (outcome.status === "missing") throw unknownStream(name);
    if (outcome.status === "trimmed") return readPage(context, name, outcome.info);
    const { entries } = outcome;
    const at = (offset: number) => formatCursor(cursorAt(outcome.info.epochs, offset));
    const events = entries.map(
      ({ offset, at: time, data }) => `{"cursor":"${at(offset)}","at":${time},"event":${data}}`,
    );
    const members = [
      `"stream":${JSON.stringify(name)}`,
      ...(from.at === "reset" ? [`"reset":${JSON.stringify(from.reason)}`] : []),
      `"events":[${events.join(",")}]`,
      `"next":"${at(entries.at(-1)?.offset ?? after)}"`,
      `"head":"${at(outcome.info.head)}"`,
      `"closed":${outcome.info.isClosed}`,
    ];
    return context.body(`{${members.join(",")}}\n`, 200, {
      "content-type": "application/json",
      "cache-control": "no-store",
    });
  }

  return async (context, name) => {
    const verdict = await accessOf(context).reads(name);
    if (verdict === "forbidden") throw forbidden(`read:${name}`);
    // What is somebody else's does not exist.
    const info = verdict === "hidden" ? undefined : await log.info(name);
    if (context.req.method === "HEAD") return head(context, name, info);
    if (!wantsEvents(context)) return readPage(context, name, info);
    return readEvents(context, name, info, verdict === "hidden" || MADE_BY_SERVER.test(name));
  };
}

/** Where a request wants to go on: its cursor if that can be honoured; else it is told why not. */
export function readingStart(context: Context, info: StreamInfo | undefined): ReadingStart {
  const given = requestCursor(context);
  const after = given === undefined ? context.req.query("after") : undefined;
  if (after === "now") return { at: "now" };
  const text = given ?? (after === "start" ? undefined : after);
  if (text === undefined) return { at: "start" };
  // A browser keeps what it was given for ever: what was never a cursor is told as one that is unknown.
  const cursor = given === undefined ? requireCursor(text) : parseCursor(text);
  if (cursor === undefined || info === undefined) return { at: "reset", reason: "unknown-epoch" };
  const resumption = resolveCursor(info, cursor);
  if (resumption.status === "reset") return { at: "reset", reason: resumption.reason };
  return { at: "after", cursor, info };
}

function afterCursor(context: Context): string | undefined {
  const after = context.req.query("after");
  return after === "start" || after === "now" ? undefined : after;
}

function head(context: Context, name: StreamName, info: StreamInfo | undefined): Response {
  if (wantsEvents(context)) return context.body(null, 200, EVENT_STREAM_HEADERS);
  if (info === undefined) throw unknownStream(name);
  const { head, closed } = describe(name, info);
  return context.body(null, 200, {
    "stream-head": head,
    "stream-closed": String(closed),
    "cache-control": "no-store",
  });
}

function describe(name: StreamName, info: StreamInfo) {
  const at = (offset: number) => formatCursor(cursorAt(info.epochs, offset));
  return { stream: name, kind: info.kind, head: at(info.head), closed: info.isClosed };
}

/** The cursor of an append without a writer, whose expected outcomes are refusals here. Errors: `stream-closed` 409, `key-reused` 422. */
export function appended(outcome: AppendOutcome, name: StreamName): string {
  switch (outcome.status) {
    case "appended":
    case "repeated":
      return outcome.cursor;
    case "replayed":
      return outcome.record.cursor;
    case "closed":
      throw new StreamError(
        "stream-closed",
        `${name} is closed at ${outcome.cursor}. Nothing was appended; take another stream.`,
      );
    case "key-reused":
      throw new StreamError(
        "key-reused",
        "This Idempotency-Key was used with another body. Send a new key with a new request.",
      );
    case "missing":
    case "fenced":
    case "ended":
    case "occupied":
    case "sequence-gap":
      throw new Error(`an append without a writer was ${outcome.status}`);
  }
}

/** Checks what is to be appended: an event, or 1 to 1,000 of them. Errors: `invalid-request` 400, `invalid-event` 400. */
export function parseEvents(value: unknown, kind: StreamInfo["kind"], isClosing: boolean): NewEvent[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > MAX_EVENTS || (list.length === 0 && !isClosing)) {
    throw new StreamError(
      "invalid-request",
      `Send 1 to ${MAX_EVENTS} events at a time, not ${list.length}: an object, or an array of objects. More go in several appends.`,
    );
  }
  return list.map((event, index) => parseEvent(event, index, kind));
}

function parseEvent(event: unknown, index: number, kind: StreamInfo["kind"]): NewEvent {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw new StreamError(
      "invalid-event",
      `Event ${index} is not an object. Events are JSON objects, such as {"type":"score"}.`,
    );
  }
  const data = JSON.stringify(event);
  if (kind !== "state") return { data };
  const key: unknown = "key" in event ? event.key : undefined;
  if (typeof key !== "string" || key.length === 0 || key.length > MAX_KEY_LENGTH) {
    throw new StreamError(
      "invalid-event",
      `Event ${index} needs a "key" of 1 to ${MAX_KEY_LENGTH} characters: what it replaces.`,
    );
  }
  return { data, key, isDeleted: "deleted" in event && event.deleted === true };
}
