import { createHash } from "node:crypto";
import { get } from "node:http";
import type { StreamReset } from "../../src/protocol/event.ts";
import { createSseDecoder } from "./sse-decoder.ts";
import type { DecodedBlock } from "./sse-decoder.ts";

/** What a browser may take where it is not told. */
const DEFAULT_RETRY_MS = 3_000;

export interface StreamReaderOptions {
  url: string;
  /** How many offsets an event stands for: checked on `log` and `chat`. `state` only rises. */
  kind: "log" | "chat" | "state";
  /** Called with each event of the stream, once what was folded is true again after it. */
  onEvent?: (event: StreamEvent) => void;
  /** Whether the report holds the events. Default true. */
  keepsEvents?: boolean;
  /** How long it waits before it comes back; `as-told`: as the last `retry` said. Default 5. */
  reconnectMs?: number | "as-told";
  /** Default: a timer. */
  wait?: (ms: number) => Promise<void>;
  signal?: AbortSignal;
}

export interface StreamEvent {
  type?: string;
  text?: string;
  span?: number;
  key?: string;
  [member: string]: unknown;
}

/** What a reader has made of a stream. */
export interface ReaderReport {
  events: StreamEvent[];
  /** The texts of its deltas, joined. */
  text: string;
  /** SHA-256 of `text`, in hex. */
  sha256: string;
  /** The last event of a run. */
  end?: StreamEvent;
  gaps: number;
  doubles: number;
  resets: number;
  connections: number;
  /** Why it stopped: the server said so with 204, `stream-end` was read, or the caller had enough. */
  status: "stream-end" | "aborted" | number;
}

/** Reads a stream as the browser's EventSource does: keeps the last id, comes back after any cut, stops at 204. It checks
 *  offsets as a client should. Resolves when the stream has ended. */
export async function readStream(options: StreamReaderOptions): Promise<ReaderReport> {
  const { kind, onEvent, keepsEvents = true, reconnectMs = 5, signal } = options;
  const wait = options.wait ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  let retryMs = DEFAULT_RETRY_MS;
  const report: ReaderReport = {
    events: [],
    text: "",
    sha256: "",
    gaps: 0,
    doubles: 0,
    resets: 0,
    connections: 0,
    status: "aborted",
  };
  let lastId: string | undefined;
  let offset = 0;

  function takeNamed(name: string, data: string): boolean {
    if (name === "stream-reset") {
      report.resets += 1;
      report.text = "";
      report.events = [];
      // Without `from` the stream does not exist: what comes begins at 1.
      const { from } = JSON.parse(data) as StreamReset;
      offset = from === undefined ? 0 : offsetOf(from);
    }
    return name === "stream-end";
  }

  function take(id: string, data: string): void {
    const event = JSON.parse(data) as StreamEvent;
    const next = offsetOf(id);
    const expected = kind === "state" ? Math.max(next, offset + 1) : offset + (event.span ?? 1);
    if (next > expected) report.gaps += 1;
    if (next < expected) report.doubles += 1;
    offset = next;
    if (keepsEvents) report.events.push(event);
    report.text += event.type === "text-delta" ? (event.text ?? "") : "";
    if (event.type === "message-end") report.end = event;
    onEvent?.(event);
  }

  for (;;) {
    report.connections += 1;
    const onBlock = ({ id, event, data }: DecodedBlock): boolean => {
      if (id !== undefined) lastId = id;
      if (data === undefined) return false;
      if (event !== undefined) return takeNamed(event, data);
      take(lastId ?? "", data);
      return false;
    };
    const outcome = await readOnce(options, lastId, onBlock, (ms) => {
      retryMs = ms;
    });
    if (outcome !== "cut") report.status = outcome;
    if (outcome !== "cut" || signal?.aborted === true) break;
    await wait(reconnectMs === "as-told" ? retryMs : reconnectMs);
  }
  report.sha256 = createHash("sha256").update(report.text).digest("hex");
  return report;
}

/** One connection. `onBlock` says whether a block was the last. */
function readOnce(
  { url, signal }: StreamReaderOptions,
  lastId: string | undefined,
  onBlock: (block: DecodedBlock) => boolean,
  onRetry: (ms: number) => void,
): Promise<"cut" | "stream-end" | number> {
  return new Promise((resolve) => {
    const headers = { accept: "text/event-stream", ...(lastId !== undefined && { "last-event-id": lastId }) };
    const request = get(url, { headers, agent: false, ...(signal && { signal }) }, (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        resolve(response.statusCode ?? 0);
        return;
      }
      let isEnd = false;
      const decoder = createSseDecoder((block) => {
        isEnd ||= onBlock(block);
      }, onRetry);
      response.on("data", (chunk: Uint8Array) => decoder.feed(chunk));
      response.on("error", () => resolve("cut"));
      response.on("close", () => resolve(isEnd ? "stream-end" : "cut"));
    });
    request.on("error", () => resolve("cut"));
  });
}

function offsetOf(cursor: string): number {
  return Number(cursor.slice(cursor.indexOf(".") + 1));
}
