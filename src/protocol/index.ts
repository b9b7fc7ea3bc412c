export { pathTo, shownPath } from "./chat-path.ts";
export type { PathStep } from "./chat-path.ts";
export { EMPTY_CHAT, foldChat } from "./chat.ts";
export type {
  AssistantChatMessage,
  ChatEntry,
  ChatMessage,
  ChatMessageEnd,
  ChatState,
  UserChatMessage,
} from "./chat.ts";
export { cursorAt, formatCursor, parseCursor, resolveCursor } from "./cursor.ts";
export type { Cursor, EpochLink, ResetReason, Resumption, StreamRange } from "./cursor.ts";
export { ERRORS, StreamError } from "./error.ts";
export type { ErrorBody, ErrorCode } from "./error.ts";
export type {
  ChatEvent,
  ChatUpdate,
  EndReason,
  Entry,
  MessageContinue,
  MessageEnd,
  MessageStart,
  Ping,
  Presence,
  PresentPerson,
  ReasoningDelta,
  RunEvent,
  Signal,
  StreamCaughtUp,
  StreamEnd,
  StreamKind,
  StreamReset,
  StreamStart,
  TextDelta,
  Timing,
  Usage,
  UserMessage,
} from "./event.ts";
export type { Figures } from "./figures.ts";
export { mergeEntries } from "./merge.ts";
export { chatStream, isReservedName, parseStreamName, runStream } from "./names.ts";
export type { StreamName } from "./names.ts";
export { encodeSse } from "./sse-encode.ts";
export type { SseBlock } from "./sse-encode.ts";
