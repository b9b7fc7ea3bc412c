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
  DataPart,
  EndReason,
  Entry,
  FilePart,
  MessageContinue,
  MessageEnd,
  MessageStart,
  OtherPart,
  Ping,
  Presence,
  PresentPerson,
  ReasoningDelta,
  RunEvent,
  Signal,
  SourceUrl,
  StepStart,
  StreamCaughtUp,
  StreamEnd,
  StreamKind,
  StreamReset,
  StreamStart,
  TextDelta,
  Timing,
  ToolApprovalRequest,
  ToolApprovalRespond,
  ToolEvent,
  ToolInputDelta,
  ToolInputEnd,
  ToolInputError,
  ToolInputStart,
  ToolOutputEnd,
  ToolOutputError,
  Usage,
  UserMessage,
} from "./event.ts";
export type { EventLook } from "./event-look.ts";
export type { Figures } from "./figures.ts";
export { mergeEntries } from "./merge.ts";
export { chatStream, isReservedName, parseStreamName, runStream } from "./names.ts";
export type { StreamName } from "./names.ts";
export { partsOf } from "./part.ts";
export type { MessagePart, ToolPart, ToolState } from "./part.ts";
export { encodeSse } from "./sse-encode.ts";
export type { SseBlock } from "./sse-encode.ts";
