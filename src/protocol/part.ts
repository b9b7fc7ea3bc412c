import type { ErrorBody } from "./error.ts";
import type { OtherPart, ReasoningDelta, RunEvent, TextDelta, ToolInputStart } from "./event.ts";

/** What a message consists of, in order. */
export type MessagePart =
  | { type: "text" | "reasoning"; text: string }
  | { type: "step-start" }
  | ToolPart
  | Part<OtherPart>;

/** A call of a tool, with all that is known of it. */
export interface ToolPart {
  type: "tool";
  call: string;
  tool: string;
  executor?: ToolInputStart["executor"];
  /** What was said of it last: its last event, deltas aside, without `tool-`. */
  state: ToolState;
  /** What has come of the input, as JSON text, until that is whole. */
  inputText?: string;
  input?: unknown;
  providerMetadata?: Record<string, unknown>;
  /** What a person answered, why, and who it was. */
  approved?: boolean;
  reason?: string;
  person?: string;
  output?: unknown;
  error?: ErrorBody;
}

export type ToolState =
  | "input-start"
  | "input-end"
  | "input-error"
  | "approval-request"
  | "approval-respond"
  | "output-end"
  | "output-error";

/** What an answer says: its words, and its parts where it has others than reasoning and then text. */
export interface Said {
  text: string;
  reasoning?: string;
  parts?: MessagePart[];
}

type Part<Event> = Event extends unknown ? Omit<Event, "message"> : never;

/** The parts of an answer, in order. */
export function partsOf({ text, reasoning, parts }: Readonly<Said>): MessagePart[] {
  if (parts !== undefined) return parts;
  const plain: MessagePart[] = [];
  if (reasoning !== undefined) plain.push({ type: "reasoning", text: reasoning });
  if (text !== "") plain.push({ type: "text", text });
  return plain;
}

/** Adds what an event brings to an answer, in place; its parts are replaced, never changed. What is no part changes nothing. */
export function addPart(said: Said, event: RunEvent): void {
  if (event.type === "text-delta" || event.type === "reasoning-delta") {
    addText(said, event);
    return;
  }
  if (!/^(?:tool-(?:input|approval|output)-|data-|source-url$|file$|step-start$)/.test(event.type)) return;
  const { message: _, ...part } = event as OtherPart; // or of a call, or of a step
  const parts = partsOf(said);
  let place = parts.length;
  if (event.type.startsWith("tool-")) {
    const { type, text, span: __, ...rest } = part as unknown as ToolMembers;
    const index = parts.findLastIndex((one) => one.type === "tool" && one.call === rest.call);
    const former = parts[index] as ToolPart | undefined;
    if (former === undefined && type !== "tool-input-start") return;
    if (former !== undefined) place = index;
    const next = { ...former, type: "tool", ...rest } as ToolPart;
    if (text === undefined) next.state = type.slice(5) as ToolState;
    if (next.state === "input-start") next.inputText = (former?.inputText ?? "") + (text ?? "");
    else delete next.inputText;
    parts[place] = next;
  } else {
    const id = "id" in part ? part.id : undefined;
    const index = parts.findIndex((one) => "id" in one && one.type === part.type && one.id === id);
    parts[index === -1 ? place : index] = part;
  }
  said.parts = parts;
}

/** The members that an event of a call may have. */
type ToolMembers = { type: string; call: string; text?: string; span?: number };

function addText(said: Said, { type, text }: TextDelta | ReasoningDelta): void {
  const kind = type === "text-delta" ? "text" : "reasoning";
  said[kind] = (said[kind] ?? "") + text;
  const { parts } = said;
  if (parts === undefined) return;
  const last = parts.at(-1);
  if (last?.type === kind) parts[parts.length - 1] = { type: kind, text: last.text + text };
  else parts.push({ type: kind, text });
}
