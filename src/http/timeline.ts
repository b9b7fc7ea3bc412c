import { Hono } from "hono";
import type { Hub } from "../hub/hub.ts";
import { startOf } from "../hub/hub.ts";
import type { ReaderGone, ReaderLook } from "../hub/look.ts";
import type { Log, StreamInfo } from "../log/log.ts";
import { cursorAt, formatCursor } from "../protocol/cursor.ts";
import type { Entry } from "../protocol/event.ts";
import type { EventLook } from "../protocol/event-look.ts";
import type { StreamName } from "../protocol/names.ts";
import { accessOf } from "./auth/access.ts";
import type { InspectOptions } from "./inspect.ts";
import { requestName } from "./request-name.ts";

export interface TimelineOptions extends Pick<InspectOptions, "runs" | "reports"> {
  log: Log;
  hub: Pick<Hub, "look" | "gone">;
}

const PREFIX = "/v1/inspect/streams/";
/** So far back the events of a stream are shown, and as many readers. */
const MAX_EVENTS = 500;
const MAX_READERS = 100;
const PAGE_LENGTH = 1_048_576;
const MAX_WORD = 64;

/** `GET /v1/inspect/streams/{name}`, by the right `admin`: what happened to one stream, when, and to whom. What its events say is not told.
 *  Source: PROTOCOL.md "Inspection". */
export function timelineRoutes({ log, hub, runs, reports }: TimelineOptions): Hono {
  const routes = new Hono();

  routes.get(`${PREFIX}*`, async (context) => {
    accessOf(context).checkAdmin();
    const stream = requestName(context, PREFIX);
    const info = await log.info(stream);
    const reads = ({ streams }: ReaderLook | ReaderGone) => streams.some((one) => one.stream === stream);
    const readers = hub.look().filter(reads);
    context.header("Cache-Control", "no-store");
    return context.json({
      at: Date.now(),
      stream,
      // A stream that does not exist has none of these, and may have readers that wait for it.
      ...(info !== undefined && describe(info)),
      events: info === undefined ? [] : await lastEvents(log, stream, info),
      total: readers.length,
      readers: readers.slice(-MAX_READERS),
      gone: hub.gone().filter(reads).slice(0, MAX_READERS),
      runs: runs().filter((run) => run.stream === stream),
      reports: reports(),
    });
  });

  return routes;
}

function describe({ kind, epochs, floor, head, isClosed }: StreamInfo) {
  const at = (offset: number) => formatCursor(cursorAt(epochs, offset));
  return { kind, floor, head: at(head), epochs: epochs.length, closed: isClosed };
}

/** Reads to the head, page by page: of each event only what is shown is kept. */
async function lastEvents(log: Log, stream: StreamName, info: StreamInfo): Promise<EventLook[]> {
  const looks: EventLook[] = [];
  let after = Math.max(startOf(info), info.head - MAX_EVENTS);
  for (let pages = 0; pages < MAX_EVENTS; pages++) {
    const page = await log.read(stream, after, { maxEntries: MAX_EVENTS, maxLength: PAGE_LENGTH });
    // Trimmed or deleted meanwhile: what was seen is as true as ever.
    if (page.status !== "page") break;
    for (const entry of page.entries) looks.push(lookAt(page.info, entry));
    const last = page.entries.at(-1)?.offset;
    if (last === undefined || last >= info.head) break;
    after = last;
  }
  return looks.slice(-MAX_EVENTS);
}

function lookAt({ epochs }: StreamInfo, { offset, at, data }: Entry): EventLook {
  const event = JSON.parse(data) as Record<string, unknown>; // the log holds objects
  const type = wordOf(event["type"]);
  const by = wordOf(event["run"]) ?? wordOf(event["author"]);
  const span = event["span"];
  return {
    cursor: formatCursor(cursorAt(epochs, offset)),
    at,
    ...(type !== undefined && { type }),
    ...(typeof span === "number" && { span }),
    ...(by !== undefined && { by }),
    length: data.length,
  };
}

function wordOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, MAX_WORD) : undefined;
}
