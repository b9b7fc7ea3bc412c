import { Hono } from "hono";
import type { Context } from "hono";
import type { Hub, ReadingStart } from "../hub/hub.ts";
import type { Presence } from "../hub/presence.ts";
import type { Log, StreamInfo } from "../log/log.ts";
import { parseCursor, requireCursor, resolveCursor, splitCursors } from "../protocol/cursor.ts";
import type { Cursor } from "../protocol/cursor.ts";
import { StreamError } from "../protocol/error.ts";
import type { StreamEnd } from "../protocol/event.ts";
import { parseStreamName } from "../protocol/names.ts";
import type { StreamName } from "../protocol/names.ts";
import { accessOf, forbidden } from "./auth/access.ts";
import { EVENT_STREAM_HEADERS, openSeveralStreams, requestCursor, wantsEvents } from "./event-stream.ts";
import type { Edge } from "./event-stream.ts";
import { bindConnection } from "./presence.ts";
import { severalFormat, streamFormat } from "./stream-format.ts";
import { MADE_BY_SERVER } from "./streams.ts";

export interface SeveralStreamsOptions {
  log: Log;
  hub: Hub;
  /** Absent: nobody is told who is here. */
  presence?: Presence | undefined;
  edge?: Edge | undefined;
}

const MAX_STREAMS = 32;
const MAX_PRESENT_LENGTH = 32_768;

/** One of the streams that were asked for. */
interface Asked {
  stream: StreamName;
  info: StreamInfo | undefined;
  /** The cursor that the request brings of it. */
  cursor: Cursor | undefined;
  /** It does not exist, or not for this reader, and nobody but the server could make it come. */
  isGone: boolean;
  isForbidden: boolean;
}

/** `GET /v1/streams?stream=a&stream=b`: several streams over one connection. Source: PROTOCOL.md "Several streams". */
export function severalStreamsRoutes({ log, hub, presence, edge }: SeveralStreamsOptions): Hono {
  const routes = new Hono();

  // Hono sends HEAD to the handler of GET.
  routes.get("/v1/streams", async (context) => {
    const listens = uniqueNames(context, "listen");
    const names = askedNames(context, listens.length > 0);
    if (!wantsEvents(context)) {
      throw new StreamError(
        "invalid-request",
        "Several streams come as events only: send Accept: text/event-stream, or live=1. As JSON, ask each at /v1/streams/{name}.",
      );
    }
    if (context.req.method === "HEAD") return context.body(null, 200, EVENT_STREAM_HEADERS);
    const cursors = givenCursors(context);
    const asked = await Promise.all(names.map((name) => ask(context, name, cursors ?? [])));
    const heard = await readableOf(context, listens);
    checkAny(asked, listens, heard);
    if (heard.length === 0 && asked.every(isRead)) return context.body(null, 204);
    const there = asked.filter(({ isGone, isForbidden }) => !isGone && !isForbidden);
    // Somebody's place that is nobody's here: it was of one of those that came without.
    const hasUnknown = cursors?.some((cursor) => !asked.some(({ info }) => isOf(cursor, info))) ?? false;
    const isNow = cursors === undefined && context.req.query("after") === "now";
    const onGone = presence && (await bindConnection(context, presence));
    return openSeveralStreams(context, hub, edge, {
      streams: there.map((one) => ({
        stream: one.stream,
        format: severalFormat(one.stream),
        from: readingStart(one, hasUnknown, isNow),
      })),
      ends: [
        ...asked.filter(({ isGone }) => isGone).map(({ stream }) => endText(stream, "deleted")),
        ...asked.filter(({ isForbidden }) => isForbidden).map(({ stream }) => endText(stream, "forbidden")),
        ...listens.filter((stream) => !heard.includes(stream)).map((stream) => endText(stream, "forbidden")),
      ],
      ...(heard.length > 0 && {
        listening: {
          streams: heard,
          first: () => (presence === undefined ? "" : presentBlocks(presence, heard)),
          ping: streamFormat.ping(undefined),
        },
      }),
      ...(onGone && { onGone }),
    });
  });

  async function ask(
    context: Context,
    stream: StreamName,
    cursors: readonly (Cursor | undefined)[],
  ): Promise<Asked> {
    const verdict = await accessOf(context).reads(stream);
    if (verdict === "forbidden")
      return { stream, info: undefined, cursor: undefined, isGone: false, isForbidden: true };
    const info = verdict === "hidden" ? undefined : await log.info(stream);
    // Of two for one stream the earlier counts: what comes twice is seen to be known, what does not come is lost.
    const [cursor] = cursors
      .filter((given) => given !== undefined)
      .filter((given) => isOf(given, info))
      .toSorted((a, b) => a.offset - b.offset);
    const isGone = info === undefined && (verdict === "hidden" || MADE_BY_SERVER.test(stream));
    return { stream, info, cursor, isGone, isForbidden: false };
  }

  return routes;
}

/** Those that this reader may hear. */
async function readableOf(context: Context, streams: readonly StreamName[]): Promise<StreamName[]> {
  const access = accessOf(context);
  const verdicts = await Promise.all(streams.map(async (stream) => access.reads(stream)));
  return streams.filter((_, index) => verdicts[index] === "allowed");
}

/** One stream that may not be read is said in the connection and keeps no other from coming; if all are, there is nothing to
 *  connect for. Errors: `forbidden` 403. */
function checkAny(
  asked: readonly Asked[],
  listens: readonly StreamName[],
  heard: readonly StreamName[],
): void {
  if (heard.length > 0 || asked.some(({ isForbidden }) => !isForbidden)) return;
  const first = asked[0]?.stream ?? listens[0];
  throw forbidden(`read:${first}`);
}

function endText(stream: StreamName, reason: StreamEnd["reason"]): string {
  return severalFormat(stream).end({ reason });
}

/** Who is in each stream; by name as long as all of it is no more than a reader's bytes may be at a time. */
function presentBlocks(presence: Presence, streams: readonly StreamName[]): string {
  let text = "";
  for (const stream of streams) text += presence.block(stream, MAX_PRESENT_LENGTH - text.length);
  return text;
}

function askedNames(context: Context, isListening: boolean): StreamName[] {
  const names = uniqueNames(context, "stream");
  if (names.length > 0 || isListening) return names;
  throw new StreamError(
    "invalid-request",
    `Name 1 to ${MAX_STREAMS} streams, each as stream=…; 0 came. To hear signals alone, name them as listen=….`,
  );
}

/** The names that a request lists. Errors: `invalid-name` 400; `invalid-request` 400 for too many. */
function uniqueNames(context: Context, member: "stream" | "listen"): StreamName[] {
  const names = [...new Set(context.req.queries(member))].map((name) => parseStreamName(name));
  if (names.length <= MAX_STREAMS) return names;
  throw new StreamError(
    "invalid-request",
    `Name 1 to ${MAX_STREAMS} streams, each as ${member}=…; ${names.length} came. Open another connection for more.`,
  );
}

/** The set that a request brings; undefined for what is no cursor. A browser keeps what it was given for ever, so that only
 *  what was written by hand is refused. */
function givenCursors(context: Context): (Cursor | undefined)[] | undefined {
  const given = requestCursor(context);
  if (given !== undefined) return splitCursors(given).map((text) => parseCursor(text));
  const after = context.req.query("after");
  if (after === undefined || after === "start" || after === "now") return undefined;
  return splitCursors(after).map((text) => requireCursor(text));
}

/** Whether a cursor names this stream: an epoch is unique in its log. */
function isOf(cursor: Cursor | undefined, info: StreamInfo | undefined): boolean {
  return cursor !== undefined && info?.epochs.some(({ epoch }) => epoch === cursor.epoch) === true;
}

/** Whether nothing is left to read of it, now and for ever. */
function isRead({ info, cursor, isGone, isForbidden }: Asked): boolean {
  if (info === undefined || cursor === undefined) return isGone || isForbidden;
  return info.isClosed && cursor.offset === info.head && resolveCursor(info, cursor).status === "honoured";
}

function readingStart({ info, cursor }: Asked, hasUnknown: boolean, isNow: boolean): ReadingStart {
  if (info !== undefined && cursor !== undefined) {
    const resumption = resolveCursor(info, cursor);
    if (resumption.status === "reset") return { at: "reset", reason: resumption.reason };
    return { at: "after", cursor, info };
  }
  if (hasUnknown) return { at: "reset", reason: "unknown-epoch" };
  return isNow ? { at: "now" } : { at: "start" };
}
