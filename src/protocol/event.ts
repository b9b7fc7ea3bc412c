import type { ErrorBody } from "./error.ts";
import type { ResetReason } from "./cursor.ts";

/** What a stream keeps: `log` every event, `state` the last event of each key, `chat` runs whose deltas may be merged. */
export type StreamKind = "log" | "state" | "chat";

/** One entry of a stream as its reader gets it. */
export interface Entry {
  /** The offset of the last event in it. */
  offset: number;
  /** How many appended events it stands for: 1, unless deltas were merged. */
  span: number;
  /** When the last of them was appended, in Unix milliseconds. */
  at: number;
  /** The event as JSON text, without line breaks. */
  data: string;
}

/** Why a run ended. `tool-calls`: the model asks for tools that the one who started the run is to run. */
export type EndReason = "stop" | "length" | "tool-calls" | "cancelled" | "error" | "interrupted";

export interface Usage {
  inputTokens?: number;
  outputTokens?: number;
}

export interface Timing {
  /** From the start of the run to its first delta. Absent if there was none. */
  firstTokenMs?: number;
  totalMs: number;
  /** Deltas per second between the first and the last; as tokens where the provider's usage is known. */
  tokensPerSecond?: number;
}

/** What a person wrote into a chat. */
export interface UserMessage {
  type: "user-message";
  message: string;
  /** The message that it answers; absent for the first of a chat. */
  parent?: string;
  text: string;
  /** The principal who wrote it. */
  author: string;
  /** Unix milliseconds. */
  at: number;
}

export interface MessageStart {
  type: "message-start";
  message: string;
  /** In a chat: the message that it answers. */
  parent?: string;
  run: string;
  model: string;
  /** Unix milliseconds. */
  at: number;
  /** Only in the stream of a run: its first 10,000 characters. */
  prompt?: string;
  /** Only with `prompt`: it is all that the model was told, so that another node may go on with the run. */
  whole?: true;
  /** Only in the stream of a run: whose it is; absent: `local`. */
  owner?: string;
}

/** Reopens an ended message: what another run writes goes on where it stopped. Or, with the same run in an open message: another node has
 *  taken it over from one that died. */
export interface MessageContinue {
  type: "message-continue";
  message: string;
  run: string;
  model: string;
  /** Unix milliseconds. */
  at: number;
}

export interface TextDelta {
  type: "text-delta";
  message: string;
  text: string;
  /** How many deltas were merged into this one; absent: 1. */
  span?: number;
}

export interface ReasoningDelta {
  type: "reasoning-delta";
  message: string;
  text: string;
  span?: number;
}

export interface MessageEnd {
  type: "message-end";
  message: string;
  run: string;
  reason: EndReason;
  usage?: Usage;
  timing?: Timing;
  /** SHA-256 of the whole text in UTF-8, in hex. Absent where the one who ended the run had not written it. */
  sha256?: string;
  error?: ErrorBody;
}

/** After the results of tools the model is asked again: what follows is its next step. */
export interface StepStart {
  type: "step-start";
  message: string;
}

/** A model begins to call a tool. */
export interface ToolInputStart {
  type: "tool-input-start";
  message: string;
  /** Names the call in its message: 9 of `a-z0-9`, of which the last two count the calls of the run, in base36. */
  call: string;
  /** The name of the tool. */
  tool: string;
  /** Who runs it. Absent: the server. */
  executor?: "client" | "provider";
}

/** A piece of the JSON text of a call's input. */
export interface ToolInputDelta {
  type: "tool-input-delta";
  message: string;
  call: string;
  text: string;
  span?: number;
}

/** The input of a call is whole, and what its tool takes. */
export interface ToolInputEnd {
  type: "tool-input-end";
  message: string;
  call: string;
  input: unknown;
  /** What the provider wants to have back with the call. */
  providerMetadata?: Record<string, unknown>;
}

/** The input of a call cannot be used. The model is told so. */
export interface ToolInputError {
  type: "tool-input-error";
  message: string;
  call: string;
  /** As far as it could be read; a text where it is no JSON. */
  input?: unknown;
  error: ErrorBody;
}

/** A call waits until a person allows it. */
export interface ToolApprovalRequest {
  type: "tool-approval-request";
  message: string;
  call: string;
}

/** A person has allowed a call, or not. The first answer holds. */
export interface ToolApprovalRespond {
  type: "tool-approval-respond";
  message: string;
  call: string;
  approved: boolean;
  /** What the model is told of it. */
  reason?: string;
  /** The principal who answered. */
  person: string;
}

/** What a tool answered. */
export interface ToolOutputEnd {
  type: "tool-output-end";
  message: string;
  call: string;
  output: unknown;
}

/** A tool failed, was too slow, or said too much. The model is told so. */
export interface ToolOutputError {
  type: "tool-output-error";
  message: string;
  call: string;
  error: ErrorBody;
}

export type ToolEvent =
  | ToolInputStart
  | ToolInputDelta
  | ToolInputEnd
  | ToolInputError
  | ToolApprovalRequest
  | ToolApprovalRespond
  | ToolOutputEnd
  | ToolOutputError;

/** A part of a message of the application's own: its type says what `data` is. */
export interface DataPart {
  type: `data-${string}`;
  message: string;
  /** A later part of the same type and id takes the place of this one. */
  id?: string;
  data: unknown;
}

/** Where something in a message comes from. */
export interface SourceUrl {
  type: "source-url";
  message: string;
  source: string;
  url: string;
  title?: string;
}

/** A file that a model made. */
export interface FilePart {
  type: "file";
  message: string;
  url: string;
  mediaType: string;
}

/** What may stand in a message beside text, reasoning and calls of tools. */
export type OtherPart = DataPart | SourceUrl | FilePart;

/** The events of a run, as they stand in its stream. */
export type RunEvent =
  | MessageStart
  | MessageContinue
  | TextDelta
  | ReasoningDelta
  | StepStart
  | ToolEvent
  | OtherPart
  | MessageEnd;

/** What is said of a chat itself; what is absent stays as it was. Its first event names the owner. */
export interface ChatUpdate {
  type: "chat-update";
  owner?: string;
  title?: string;
  /** What a model is told before everything else; empty: nothing. */
  system?: string;
  /** Deleted since then, in Unix milliseconds; null: taken back. */
  deletedAt?: number | null;
  /** Unix milliseconds. */
  at: number;
}

/** The events of a chat, as they stand in its stream. */
export type ChatEvent = RunEvent | UserMessage | ChatUpdate;

/** The named events by which a connection speaks about itself. */
export interface StreamStart {
  stream: string;
  status: "new" | "resumed" | "waiting";
  /** The cursor after which reading goes on; absent while the stream waits for its first event. */
  from?: string;
  head?: string;
}

export interface StreamCaughtUp {
  cursor?: string;
}

export interface StreamReset {
  reason: ResetReason;
  /** The cursor after which the stream is read anew: what was folded so far is to be dropped. Absent while it does not exist. */
  from?: string;
}

export interface StreamEnd {
  /** `forbidden`: it may not be read, whether or not it exists. */
  reason: "closed" | "deleted" | "forbidden";
}

export interface Ping {
  cursor?: string;
}

/** What somebody tells those who read a stream at this moment. It is not in the log, and has no cursor. */
export interface Signal {
  stream: string;
  /** What it is about, such as `typing`. */
  kind: string;
  /** The principal who sent it; while there is no authentication `local`, with a name of the browser where it gave one. */
  person: string;
  /** One window of that person: who says something else later is the same. */
  sender: string;
  /** How long it holds unless it is told again, in milliseconds. Absent in a stop. */
  ttlMs?: number;
  /** It holds no longer. */
  stop?: true;
  /** What the sender says, of itself too: a claim, not a fact. */
  data?: Record<string, unknown>;
}

/** Who is here, as it is told to those who read a stream at this moment. Each time it is the whole truth. */
export interface Presence {
  stream: string;
  /** When it was so, in Unix milliseconds: of two the later holds. */
  at: number;
  /** People, not connections. */
  count: number;
  /** In the order in which they came. Absent where more than 50 are here, or much else is told at once. */
  people?: PresentPerson[];
}

export interface PresentPerson {
  person: string;
  /** Unix milliseconds. */
  since: number;
  /** What the person says of itself: a claim, not a fact. */
  data?: Record<string, unknown>;
}
