/** Why an answer ended, as the stream says it. */
export type EndReason = "stop" | "length" | "cancelled" | "error" | "interrupted";

export interface EndFrame {
  type: "end";
  reason: EndReason;
  outputTokens?: number;
  firstTokenMs?: number;
  tokensPerSecond?: number;
  message?: string;
}

/** What one block of the stream means to this page. */
export type Frame =
  | { type: "stream-start"; run: string; from: string }
  | { type: "text"; text: string; span?: number }
  | { type: "reasoning"; text: string; span?: number }
  | { type: "stream-caught-up" }
  | { type: "stream-reset" }
  | { type: "ping" }
  | EndFrame;

/** The names of the events that the stream has beside the unnamed ones. */
export const FRAME_NAMES = [
  "stream-start",
  "reasoning",
  "stream-caught-up",
  "stream-reset",
  "ping",
  "end",
] as const;

const END_REASONS: ReadonlySet<unknown> = new Set(["stop", "length", "cancelled", "error", "interrupted"]);

/** Reads one block of the stream; undefined if this page has no use for it.
 *  Shape: `name` is the event's name ("message" where it has none), `data` its JSON text. */
export function parseFrame(name: string, data: string, id: string): Frame | undefined {
  const body = parseObject(data);
  switch (name) {
    case "message":
    case "reasoning": {
      const text = body["text"];
      if (typeof text !== "string") return undefined;
      const type = name === "message" ? "text" : "reasoning";
      const span = asNumber(body["span"]);
      return span === undefined ? { type, text } : { type, text, span };
    }
    case "stream-start": {
      const { run, from } = body;
      if (typeof run !== "string") return undefined;
      return { type: "stream-start", run, from: typeof from === "string" ? from : id };
    }
    case "stream-caught-up":
    case "stream-reset":
    case "ping":
      return { type: name };
    case "end":
      return parseEnd(body);
    default:
      return undefined;
  }
}

/** The offset in a cursor such as `k3j9x0q2.17`; undefined if there is none. */
export function offsetOf(cursor: string): number | undefined {
  const match = /\.(\d{1,16})$/.exec(cursor);
  return match === null ? undefined : Number(match[1]);
}

function parseEnd(body: Record<string, unknown>): EndFrame {
  const { reason } = body;
  const usage = asObject(body["usage"]);
  const timing = asObject(body["timing"]);
  const { message } = asObject(body["error"]);
  const end: EndFrame = { type: "end", reason: isEndReason(reason) ? reason : "error" };
  const outputTokens = asNumber(usage["outputTokens"]);
  const firstTokenMs = asNumber(timing["firstTokenMs"]);
  const tokensPerSecond = asNumber(timing["tokensPerSecond"]);
  if (outputTokens !== undefined) end.outputTokens = outputTokens;
  if (firstTokenMs !== undefined) end.firstTokenMs = firstTokenMs;
  if (tokensPerSecond !== undefined) end.tokensPerSecond = tokensPerSecond;
  if (typeof message === "string") end.message = message;
  return end;
}

function isEndReason(value: unknown): value is EndReason {
  return END_REASONS.has(value);
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return {}; // A block that is not JSON says nothing to this page; the stream goes on.
  }
}

/** The value as an object; an empty one if it is none. */
export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function asNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
