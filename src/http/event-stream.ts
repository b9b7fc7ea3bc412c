import type { Context } from "hono";
import type { Format } from "../hub/format.ts";
import type { Connection } from "../hub/connection.ts";
import type { Hub, ReadingStart, SubscribeSeveralRequest } from "../hub/hub.ts";
import type { OpenReader, ReaderArrival } from "../hub/readers.ts";
import type { Sink } from "../hub/sink.ts";
import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import { accessOf } from "./auth/access.ts";
import { setHeaders } from "./headers.ts";
import { createWebSink } from "./web-sink.ts";

/** Writes to the socket itself where there is one to write to. Undefined: there is none, a web-standard Response does it. */
export interface Edge {
  /** Begins a stream of events. */
  open(env: unknown, headers: Record<string, string>): { sink: Sink; response: Response } | undefined;
  /** Answers with a whole body: a third of what a Response costs on Node. */
  answer(env: unknown, status: number, headers: Record<string, string>, body: string): Response | undefined;
}

/** What every event stream is sent with.
 *  Nothing that HTTP/2 forbids; no proxy may keep, change or gather it. */
export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
  vary: "Accept",
} as const;

export interface EventStreamRequest {
  stream: StreamName;
  format: Format;
  from: ReadingStart;
  neverAges?: boolean;
  onGone?: () => void;
}

/** Answers a request with a stream of the hub. Its end is the hub's. */
export async function openEventStream(
  context: Context,
  hub: Hub,
  edge: Edge | undefined,
  request: EventStreamRequest,
): Promise<Response> {
  const { sink, response } = openSink(context, edge);
  const held = hold(context, request.onGone);
  return subscribeOr(sink, response, held.onGone, () =>
    hub.subscribe({ ...request, ...held, sink, ...describeReader(context) }),
  );
}

/** Answers a request with several streams of the hub over one connection. */
export async function openSeveralStreams(
  context: Context,
  hub: Hub,
  edge: Edge | undefined,
  request: Omit<SubscribeSeveralRequest, "sink">,
): Promise<Response> {
  const { sink, response } = openSink(context, edge);
  const held = hold(context, request.onGone);
  return subscribeOr(sink, response, held.onGone, () =>
    hub.subscribeSeveral({ ...request, ...held, sink, ...describeReader(context) }),
  );
}

/** Answers a request with a reader of its own kind, which the hub counts as any other. */
export function openReader(
  context: Context,
  hub: Hub,
  edge: Edge | undefined,
  { began, make }: Pick<ReaderArrival, "began"> & { make: (sink: Sink, onLeave: () => void) => Connection },
): Response {
  const { sink, response } = openSink(context, edge);
  const arrival = { ...hold(context, undefined), began, ...describeReader(context) };
  if (hub.admit((onLeave) => make(sink, onLeave), arrival) === undefined) sink.destroy();
  return response;
}

/** For who looks. */
function describeReader(context: Context): { request: string; who: string } {
  return { request: context.get("requestId"), who: accessOf(context).id };
}

/** Lets a reader be closed when its right to read ends. What an answer to a POST began is read to its end: whoever sent that knows no
 *  other way to get the rest. */
function hold(
  context: Context,
  onGone: (() => void) | undefined,
): { onGone?: () => void; onReader?: (reader: OpenReader) => void } {
  const access = accessOf(context);
  if (!access.mayEnd || context.req.method !== "GET") return onGone === undefined ? {} : { onGone };
  let forget: (() => void) | undefined;
  return {
    onReader: (reader) => (forget = access.hold(reader)),
    onGone() {
      forget?.();
      onGone?.();
    },
  };
}

/** The head is out before the log was asked: if that fails, the reader is cut, and comes back with its cursor. */
async function subscribeOr(
  sink: Sink,
  response: Response,
  onGone: (() => void) | undefined,
  subscribe: () => Promise<void>,
): Promise<Response> {
  try {
    await subscribe();
  } catch (error) {
    sink.destroy();
    onGone?.();
    if (!(error instanceof StreamError)) throw error;
  }
  return response;
}

/** Answers with blocks that are known already, and closes. */
export function closedEventStream(context: Context, text: string): Response {
  return new Response(context.req.method === "HEAD" ? null : text, { headers: allHeaders(context) });
}

/** Answers with JSON where it is answered most. */
export function answerJson(context: Context, edge: Edge | undefined, value: object, status: 201): Response {
  const body = JSON.stringify(value);
  const headers = { ...setHeaders(context), "content-type": "application/json" };
  return edge?.answer(context.env, status, headers, body) ?? context.body(body, status, headers);
}

/** Whether a request wants events: only then may it be held open. */
export function wantsEvents(context: Context): boolean {
  return (
    (context.req.header("accept") ?? "").includes("text/event-stream") || context.req.query("live") === "1"
  );
}

/** The cursor that a request brings: the header, which the browser keeps true, wins over the query. */
export function requestCursor(context: Context): string | undefined {
  return context.req.header("last-event-id") || context.req.query("last_event_id") || undefined;
}

function openSink(context: Context, edge: Edge | undefined): { sink: Sink; response: Response } {
  const headers = allHeaders(context);
  return edge?.open(context.env, headers) ?? createWebSink(headers);
}

/** With what guards have set before, such as who may read it from another origin. */
function allHeaders(context: Context): Record<string, string> {
  const { vary, ...headers } = setHeaders(context);
  return { ...headers, ...EVENT_STREAM_HEADERS, ...(vary !== undefined && { vary: `Accept, ${vary}` }) };
}
