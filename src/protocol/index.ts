export { cursorAt, formatCursor, parseCursor, resolveCursor } from "./cursor.ts";
export type { Cursor, EpochLink, ResetReason, Resumption, StreamRange } from "./cursor.ts";
export { ERRORS, StreamError } from "./error.ts";
export type { ErrorBody, ErrorCode } from "./error.ts";
export type {
  EndReason,
  Entry,
  MessageEnd,
  MessageStart,
  Ping,
  ReasoningDelta,
  RunEvent,
  StreamCaughtUp,
  StreamEnd,
  StreamKind,
  StreamReset,
  StreamStart,
  TextDelta,
  Timing,
  Usage,
} from "./event.ts";
export { mergeEntries } from "./merge.ts";
export { isReservedName, parseStreamName, runStream } from "./names.ts";
export type { StreamName } from "./names.ts";
export { encodeSse } from "./sse-encode.ts";
export type { SseBlock } from "./sse-encode.ts";
