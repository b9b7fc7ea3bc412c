import { Hono } from "hono";
import type { Context } from "hono";
import { nextTurn } from "../hub/turns.ts";
import type { Log, LogBackup } from "../log/log.ts";
import { StreamCollector, endsOfInterrupted, parseBackupLine } from "../protocol/backup.ts";
import type { BackupEnd, ReadStream, SavedKey } from "../protocol/backup.ts";
import { parseCursor } from "../protocol/cursor.ts";
import { StreamError } from "../protocol/error.ts";
import { parseStreamName } from "../protocol/names.ts";
import type { StreamName } from "../protocol/names.ts";
import { accessOf } from "./auth/access.ts";

/** Its lines are long, and not JSON as a whole. A form cannot send this type either. */
export const IMPORT_PATH = "/v1/import";
const TYPE = "application/x-ndjson";
/** One request holds whole streams of so many bytes. */
const MAX_BYTES = 512 * 1_048_576;
const MAX_LINE = 4 * 1_048_576;

/** `/v1/export` and `/v1/import`: streams as lines of JSON, while they are in use. For who may everything.
 *  Source: PROTOCOL.md "Backups". */
export function backupRoutes(log: Log): Hono {
  const routes = new Hono();

  routes.get("/v1/export", (context) => {
    accessOf(context).checkAdmin();
    const backup = backupOf(log);
    if (context.req.method === "HEAD") return context.body(null, 200, { "content-type": TYPE });
    const prefixes = context.req.queries("stream") ?? [];
    return context.body(streamOf(exportLines(backup, prefixes)), 200, {
      "content-type": TYPE,
      "cache-control": "no-store",
    });
  });

  routes.post(IMPORT_PATH, async (context) => {
    accessOf(context).checkAdmin();
    const backup = backupOf(log);
    const type = (context.req.header("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
    if (type !== TYPE)
      throw new StreamError(
        "content-type-refused",
        `Send the lines of a backup, with Content-Type: ${TYPE}.`,
      );
    const replaces = context.req.query("replace") === "true";
    const collector = new StreamCollector();
    const put = { streams: 0, events: 0, keys: 0 };
    for await (const text of linesOf(context)) {
      const line = parseBackupLine(text);
      if ("millrace" in line || "done" in line) continue;
      if ("claim" in line) {
        if (await putKeyBack(backup, line)) put.keys += 1;
        continue;
      }
      const stream = collector.take(line);
      if (stream === undefined) continue;
      await putBack(backup, stream, replaces);
      put.streams += 1;
      put.events += stream.entries.length;
    }
    if (collector.isOpen)
      throw new StreamError("invalid-request", "The last stream has no end. Nothing of it was put back.");
    return context.json(put);
  });

  return routes;
}

function backupOf({ backup }: Log): LogBackup {
  if (backup !== undefined) return backup;
  throw new StreamError(
    "invalid-request",
    "A log in Redis is saved and put back by Redis: see its persistence.",
  );
}

async function putBack(backup: LogBackup, stream: ReadStream, replaces: boolean): Promise<void> {
  const { name } = stream;
  if (!(await backup.restore(name, { ...stream, ends: endsOfInterrupted(stream) }, { replaces })))
    throw new StreamError(
      "stream-exists",
      `${name} is there already, and was left as it is. Ask with replace=true to put the saved one in its place.`,
    );
}

/** A key is of use where its stream has come back as far as the event that claimed it. */
async function putKeyBack(backup: LogBackup, { claim }: SavedKey): Promise<boolean> {
  const { id, ...record } = claim;
  return backup.restoreKey(id, { ...record, stream: parseStreamName(record.stream) });
}

/** What the server says of itself, and writes anew. */
const OWN = "sys/";

/** The lines of all streams whose names begin so, then of the keys that were claimed in them, and one that says how many they are. */
async function* exportLines(backup: LogBackup, prefixes: readonly string[]): AsyncGenerator<string, void> {
  const heads = new Map<StreamName, number>();
  const counts = { streams: 0, events: 0, keys: 0 };
  for await (const name of backup.streams()) {
    const isAsked =
      prefixes.length === 0 ? !name.startsWith(OWN) : prefixes.some((prefix) => name.startsWith(prefix));
    const saved = isAsked ? await exportStream(backup, name) : undefined;
    if (saved === undefined) continue;
    yield* saved.lines;
    heads.set(name, saved.head);
    counts.streams += 1;
    counts.events += saved.events;
  }
  for await (const [id, { expiresAt, ...record }] of backup.keys()) {
    const offset = parseCursor(record.cursor)?.offset ?? Infinity;
    // One that has no end belongs to a run that is open, and ends with this backup.
    if (expiresAt === undefined || offset > (heads.get(record.stream) ?? -1)) continue;
    yield line({ claim: { id, ...record, expiresAt } } satisfies SavedKey);
    counts.keys += 1;
  }
  yield line({ done: true, ...counts } satisfies BackupEnd);
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** How often a stream is begun anew that is trimmed while it is read. */
const ATTEMPTS = 20;

interface SavedLines {
  lines: string[];
  events: number;
  head: number;
}

/** A stream as it is when its end is reached; undefined for one that has gone. It is held until it is whole: what is trimmed meanwhile has
 *  it begun anew. */
async function exportStream(backup: LogBackup, name: StreamName): Promise<SavedLines | undefined> {
  let from = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const outcome = await readWhole(backup, name, from);
    if (outcome === "missing") return undefined;
    if (typeof outcome === "object") return outcome;
    from = outcome;
  }
  throw new StreamError("log-unavailable", `${name} is trimmed faster than it can be saved. Save it again.`);
}

/** `missing`: it has gone; a number: it was trimmed up to there. */
async function readWhole(
  backup: LogBackup,
  name: StreamName,
  from: number,
): Promise<SavedLines | "missing" | number> {
  /** By what they are kept under: in a state what changes while it is read comes again, and counts once. */
  const lines = new Map<string | number, string>();
  for (let last = from; ;) {
    const page = await backup.readSingles(name, last);
    if (page.status === "missing") return "missing";
    if (page.status === "trimmed") return page.info.floor - 1;
    const { kind, retention, epochs, floor, head, isClosed } = page.info;
    for (const { offset, at, data } of page.entries) {
      const place = kind === "state" ? (JSON.parse(data) as { key: string }).key : offset; // the log has checked it
      lines.delete(place);
      lines.set(place, `{"offset":${offset},"at":${at},"event":${data}}\n`);
      last = offset;
    }
    // It is read from memory, or as good as: others go first.
    await new Promise<void>((resolve) => nextTurn(resolve));
    // Nothing follows where the last of a state was forgotten, a deletion.
    if (last < head && page.entries.length > 0) continue;
    const end = {
      end: name,
      events: lines.size,
      floor: kind === "state" ? floor : head - lines.size + 1,
      head,
      closed: isClosed,
      epochs: [...epochs],
    };
    return {
      lines: [line({ stream: name, kind, retention }), ...lines.values(), line(end)],
      events: lines.size,
      head,
    };
  }
}

/** As fast as it is read. */
function streamOf(lines: AsyncGenerator<string, void>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await lines.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await lines.return();
    },
  });
}

/** Errors: `body-too-large` 413. */
async function* linesOf(context: Context): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  let bytes = 0;
  for await (const chunk of (context.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (bytes > MAX_BYTES || rest.length > MAX_LINE)
      throw new StreamError(
        "body-too-large",
        `Send at most ${MAX_BYTES} bytes at a time, each line of at most ${MAX_LINE}.`,
      );
    for (const line of lines) if (line !== "") yield line;
  }
  if (rest !== "") yield rest;
}
