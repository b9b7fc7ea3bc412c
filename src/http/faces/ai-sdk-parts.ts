import type { ChatEvent, RunEvent } from "../../protocol/event.ts";

/** A part of the AI SDK's UI message stream: a `UIMessageChunk`. */
export interface UiPart {
  type: string;
  [member: string]: unknown;
}

/** Says an answer as the AI SDK's UI message stream: one event after the other, from its `message-start` to its end. Where it stands is
 *  followed, since there a text has a beginning and an end, and here it has not.
 *  Source: AI SDK 6 and 7, "UI message stream protocol"; PROTOCOL.md "AI SDK". */
export class UiParts {
  readonly #message: string;
  readonly #run: string;
  /** Whether the answer has ended. */
  isEnded = false;
  #open: { type: "text" | "reasoning"; id: string } | undefined;
  #count = 0;
  /** The tool of each call. */
  readonly #tools = new Map<string, string>();

  /** `run`: the one whose end is the answer's: of one that was gone on with, the last. */
  constructor(message: string, run: string) {
    this.#message = message;
    this.#run = run;
  }

  /** What an event adds. What is another message's, or has no shape there, adds nothing. */
  take(event: ChatEvent): UiPart[] {
    if (event.type === "chat-update" || event.type === "user-message" || event.message !== this.#message)
      return [];
    switch (event.type) {
      case "message-start":
        return [{ type: "start", messageId: event.message }, { type: "start-step" }];
      case "message-continue":
        return [];
      case "text-delta":
        return this.#say("text", event.text);
      case "reasoning-delta":
        return this.#say("reasoning", event.text);
      case "step-start":
        return [...this.#close(), { type: "finish-step" }, { type: "start-step" }];
      case "message-end":
        // Another run has gone on with the answer since.
        if (event.run !== this.#run) return [];
        this.isEnded = true;
        return [...this.#close(), { type: "finish-step" }, ...endParts(event)];
      default:
        return [...this.#close(), ...this.#other(event)];
    }
  }

  #say(type: "text" | "reasoning", delta: string): UiPart[] {
    const opening: UiPart[] = [];
    if (this.#open?.type !== type) {
      opening.push(...this.#close());
      this.#count += 1;
      this.#open = { type, id: `${type}-${this.#count}` };
      opening.push({ type: `${type}-start`, id: this.#open.id });
    }
    return [...opening, { type: `${type}-delta`, id: this.#open.id, delta }];
  }

  #close(): UiPart[] {
    if (this.#open === undefined) return [];
    const { type, id } = this.#open;
    this.#open = undefined;
    return [{ type: `${type}-end`, id }];
  }

  #other(event: Exclude<RunEvent, { type: "message-start" | "message-continue" | "message-end" }>): UiPart[] {
    switch (event.type) {
      case "tool-input-start": {
        this.#tools.set(event.call, event.tool);
        const isProviders = event.executor === "provider" && { providerExecuted: true };
        return [{ type: event.type, toolCallId: event.call, toolName: event.tool, ...isProviders }];
      }
      case "tool-input-delta":
        return [{ type: event.type, toolCallId: event.call, inputTextDelta: event.text }];
      case "tool-input-end":
        // What the provider wants to have back stays in the log: a client would have to be handed it in a shape of its own.
        return [{ type: "tool-input-available", ...this.#called(event.call), input: event.input }];
      case "tool-input-error": {
        const { call, input, error } = event;
        return [{ type: event.type, ...this.#called(call), input: input ?? null, errorText: error.message }];
      }
      case "tool-approval-request":
        return [{ type: event.type, approvalId: event.call, toolCallId: event.call }];
      case "tool-approval-respond":
        return event.approved ? [] : [{ type: "tool-output-denied", toolCallId: event.call }];
      case "tool-output-end":
        return [{ type: "tool-output-available", toolCallId: event.call, output: event.output }];
      case "tool-output-error":
        return [{ type: event.type, toolCallId: event.call, errorText: event.error.message }];
      case "source-url": {
        const title = event.title !== undefined && { title: event.title };
        return [{ type: event.type, sourceId: event.source, url: event.url, ...title }];
      }
      case "file":
        return [{ type: event.type, url: event.url, mediaType: event.mediaType }];
      default:
        // The application's own pass through; what a newer writer has written is passed over.
        if (!event.type.startsWith("data-") || !("data" in event)) return [];
        return [{ type: event.type, ...(event.id !== undefined && { id: event.id }), data: event.data }];
    }
  }

  #called(call: string): { toolCallId: string; toolName: string } {
    return { toolCallId: call, toolName: this.#tools.get(call) ?? "" };
  }
}

/** Why it ended, in the words of the AI SDK. Half an answer must not pass for a whole one. */
function endParts({ reason, error }: Extract<RunEvent, { type: "message-end" }>): UiPart[] {
  switch (reason) {
    case "cancelled":
      return [{ type: "abort" }];
    case "error":
      return [{ type: "error", errorText: error?.message ?? "The answer failed. Ask again." }];
    case "interrupted":
      return [{ type: "error", errorText: "The server stopped in the middle of this answer. Ask again." }];
    default:
      return [{ type: "finish", finishReason: reason }];
  }
}
