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

/** Why a run ended. */
export type EndReason = "stop" | "length" | "cancelled" | "error" | "interrupted";

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
}

/** Reopens an ended message: what another run writes goes on where it stopped. */
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

/** The events of a run, as they stand in its stream. */
export type RunEvent = MessageStart | TextDelta | ReasoningDelta | MessageEnd;

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
export type ChatEvent = RunEvent | UserMessage | MessageContinue | ChatUpdate;

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
  reason: "closed" | "deleted";
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
