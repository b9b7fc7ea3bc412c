import { shownPath } from "../../protocol/chat-path.ts";
import type { ChatState } from "../../protocol/chat.ts";
import { partsOf } from "../../protocol/part.ts";
import type { MessagePart, ToolPart } from "../../protocol/part.ts";
import type { UiPart } from "./ai-sdk-parts.ts";

/** A chat as `useChat` takes it: `UIMessage[]`, of the newest branch. An answer that is being written is left out: it comes by the
 *  stream, from its beginning. */
export function toUiMessages({ messages, run }: ChatState): object[] {
  return shownPath(messages)
    .filter(({ message }) => message.id !== run?.message)
    .map(({ message }) => ({
      id: message.id,
      role: message.role,
      parts:
        message.role === "user" ? [{ type: "text", text: message.text }] : partsOf(message).flatMap(toUiPart),
    }));
}

function toUiPart(part: MessagePart): UiPart[] {
  switch (part.type) {
    case "text":
    case "reasoning":
      return [{ type: part.type, text: part.text, state: "done" }];
    case "step-start":
      return [{ type: "step-start" }];
    case "tool":
      return [toToolPart(part)];
    case "source-url":
      return [
        {
          type: part.type,
          sourceId: part.source,
          url: part.url,
          ...(part.title !== undefined && { title: part.title }),
        },
      ];
    case "file":
      return [{ type: part.type, url: part.url, mediaType: part.mediaType }];
    default:
      return [{ type: part.type, ...(part.id !== undefined && { id: part.id }), data: part.data }];
  }
}

function toToolPart({ call, tool, state, input, output, error, approved, reason }: ToolPart): UiPart {
  const common = { type: `tool-${tool}`, toolCallId: call, input };
  const approval =
    approved === undefined
      ? {}
      : { approval: { id: call, approved, ...(reason !== undefined && { reason }) } };
  switch (state) {
    case "input-start":
      return { ...common, state: "input-streaming" };
    case "input-end":
      return { ...common, state: "input-available" };
    case "approval-request":
      return { ...common, state: "approval-requested", approval: { id: call } };
    case "approval-respond":
      return { ...common, ...approval, state: approved === false ? "output-denied" : "approval-responded" };
    case "output-end":
      return { ...common, ...approval, state: "output-available", output };
    case "input-error":
    case "output-error":
      return {
        ...common,
        ...approval,
        state: "output-error",
        errorText: error?.message ?? "The tool failed.",
      };
  }
}
