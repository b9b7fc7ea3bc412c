import { createHash } from "node:crypto";
import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import type { RunEvent } from "../../protocol/event.ts";
import { parseCursor } from "../../protocol/cursor.ts";

/** What a reader has made of a run. */
export interface ReaderReport {
  sha256: string;
  /** How the run ended, as it was read. */
  reason: string;
  /** The hash that the run's writer gave; absent where somebody else ended it. */
  said?: string;
  gaps: number;
  doubles: number;
  resets: number;
  connections: number;
}

export interface ReaderOptions {
  /** Where to read, asked for each connection: any node. */
  base: () => string;
  stream: string;
  /** Whether it drops all it has and begins from the start, asked after each connection. */
  reloads: () => boolean;
  /** How long it takes nothing, asked after each piece; 0: not at all. */
  stallMs: () => number;
  signal: AbortSignal;
}

const RECONNECT_MS = 5;

/** Reads a run as a browser does, on any node and after any cut, and checks each offset. Undefined: it was told to stop before the end. */
export async function readRun(options: ReaderOptions): Promise<ReaderReport | undefined> {
  const count = { gaps: 0, doubles: 0, resets: 0, connections: 0 };
  let place: { id: string | undefined; offset: number; text: string } = {
    id: undefined,
    offset: 0,
    text: "",
  };
  let end: { reason: string; said?: string } | undefined;

  function take(id: string | undefined, name: string | undefined, data: string): void {
    if (id !== undefined) place.id = id;
    if (name === "stream-reset") {
      count.resets += 1;
      const { from } = JSON.parse(data) as { from?: string };
      place = { id: place.id, offset: parseCursor(from ?? "")?.offset ?? 0, text: "" };
    }
    if (name !== undefined) return;
    const event = JSON.parse(data) as RunEvent; // the stream of a run
    const span = "span" in event ? (event.span ?? 1) : 1;
    const offset = parseCursor(id ?? "")?.offset ?? 0;
    if (offset - span > place.offset) count.gaps += 1;
    if (offset - span < place.offset) count.doubles += 1;
    place.offset = offset;
    if (event.type === "text-delta") place.text += event.text;
    if (event.type === "message-end") {
      end = { reason: event.reason, ...(event.sha256 !== undefined && { said: event.sha256 }) };
    }
  }

  while (!options.signal.aborted) {
    count.connections += 1;
    await readOnce(options, place.id, take);
    if (end !== undefined) break;
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    if (options.reloads()) place = { id: undefined, offset: 0, text: "" };
  }
  if (end === undefined) return undefined;
  const sha256 = createHash("sha256").update(place.text).digest("hex");
  return { ...count, ...end, sha256 };
}

/** One connection; resolves when it has ended, however it did. */
function readOnce(
  { base, stream, stallMs, signal }: ReaderOptions,
  lastId: string | undefined,
  take: (id: string | undefined, name: string | undefined, data: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const headers = { accept: "text/event-stream", ...(lastId !== undefined && { "last-event-id": lastId }) };
    const onResponse = (response: IncomingMessage) => {
      const parser = createParser({ onEvent: ({ id, event, data }) => take(id, event, data) });
      const decoder = new TextDecoder();
      response.on("data", (piece: Buffer) => {
        if (response.statusCode === 200) parser.feed(decoder.decode(piece, { stream: true }));
        const ms = stallMs();
        if (ms === 0) return;
        response.pause();
        setTimeout(() => response.resume(), ms);
      });
      response.on("error", () => resolve());
      response.on("close", () => resolve());
    };
    const request = get(`${base()}/v1/streams/${stream}`, { headers, agent: false, signal }, onResponse);
    request.on("error", () => resolve());
  });
}
