import { get } from "node:http";
import { createSseDecoder } from "./sse-decoder.ts";
import type { DecodedBlock } from "./sse-decoder.ts";

/** What a reader of several streams has made of one of them. */
export interface SeveralReport {
  events: Record<string, unknown>[];
  /** Offsets that were passed over: on `log` alone, since those of `state` have holes. */
  gaps: number;
  /** Events that came again, or came back. */
  doubles: number;
  resets: number;
}

/** Reads several streams over one connection as the browser's EventSource does: keeps the last id, comes back after any cut, and stops
 *  at 204. It has no other way to learn of an event. Resolves when all streams have ended. */
export async function readSeveral(
  origin: string,
  kinds: Readonly<Record<string, "log" | "state">>,
): Promise<{ streams: Map<string, SeveralReport>; connections: number }> {
  const streams = new Map<string, SeveralReport>();
  const offsets = new Map<string, number>();
  for (const stream of Object.keys(kinds)) {
    streams.set(stream, { events: [], gaps: 0, doubles: 0, resets: 0 });
  }
  const query = Object.keys(kinds).map((stream) => `stream=${stream}`);
  const url = `${origin}/v1/streams?${query.join("&")}`;
  let lastId: string | undefined;
  let connections = 0;

  function onBlock({ id, event: name, data }: DecodedBlock): void {
    if (id !== undefined) lastId = id;
    if (data === undefined) return;
    const { stream = "", event } = JSON.parse(data) as { stream?: string; event?: Record<string, unknown> };
    const report = streams.get(stream);
    if (report === undefined) return;
    if (name === "stream-reset") report.resets += 1;
    if (name !== undefined || event === undefined) return;
    const offset = Number(lastId?.split("~").at(-1)?.split(".")[1]);
    const before = offsets.get(stream) ?? 0;
    if (offset <= before) report.doubles += 1;
    if (kinds[stream] === "log" && offset > before + 1) report.gaps += 1;
    offsets.set(stream, offset);
    report.events.push(event);
  }

  for (;;) {
    connections += 1;
    if ((await readOnce(url, lastId, onBlock)) === 204) return { streams, connections };
  }
}

/** One connection: its status, once it is over; undefined where it was cut before it had one. */
function readOnce(
  url: string,
  lastId: string | undefined,
  onBlock: (block: DecodedBlock) => void,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const headers = { accept: "text/event-stream", ...(lastId !== undefined && { "last-event-id": lastId }) };
    const request = get(url, { headers, agent: false }, (response) => {
      const decoder = createSseDecoder(onBlock);
      response.on("data", (chunk: Uint8Array) => decoder.feed(chunk));
      response.on("error", () => resolve(undefined));
      response.on("close", () => resolve(response.statusCode));
    });
    request.on("error", () => resolve(undefined));
  });
}
