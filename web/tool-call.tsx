import { useState } from "react";
import type { ReactNode } from "react";
import type { ToolPart } from "millrace/protocol";
import { useClient } from "millrace/react";
import { useRoute } from "./route.ts";

export interface ToolCallProps {
  part: ToolPart;
  /** The answer is being written: what has not come may still come. */
  isOpen: boolean;
}

/** A call of a tool: which, where it stands, and, unfolded, what went in and what came out. Where a person is to be asked, the question. */
export function ToolCall({ part, isOpen }: ToolCallProps): ReactNode {
  const { tool, state, inputText, input, output, error } = part;
  return (
    <div className="call" data-call={part.call} data-state={state}>
      <details>
        <summary>
          <code>{tool}</code> <span data-live={isOpen && !isOver(part)}>{describeCall(part, isOpen)}</span>
        </summary>
        <Value name="Input" text={inputText ?? toText(input)} />
        <Value name="Output" text={toText(output)} />
        {error !== undefined && <Value name="Error" text={error.message} />}
      </details>
      {isOpen && state === "approval-request" && <Approval part={part} />}
    </div>
  );
}

function Value({ name, text }: { name: string; text: string }): ReactNode {
  if (text === "") return null;
  return (
    <>
      <p>{name}</p>
      <pre tabIndex={0} aria-label={name}>
        {text}
      </pre>
    </>
  );
}

/** Asks whether it may be called. The first answer holds, from whichever window it comes. */
function Approval({ part: { call, tool, input } }: { part: ToolPart }): ReactNode {
  const client = useClient();
  const { chat } = useRoute();
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<string>();
  const answer = async (approved: boolean) => {
    if (sending) return;
    setSending(true);
    setProblem(undefined);
    try {
      await client.api.send("POST", `/v1/chats/${chat}/tools/${call}`, { approved });
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setSending(false);
  };
  return (
    <div className="call-ask" role="group" aria-label={`May ${tool} be called?`}>
      <p>
        May <code>{tool}</code> be called with <code>{toText(input)}</code>?
      </p>
      <button
        type="button"
        className="button is-line"
        aria-disabled={sending}
        onClick={() => void answer(true)}
      >
        Allow
      </button>
      <button
        type="button"
        className="button is-plain"
        aria-disabled={sending}
        onClick={() => void answer(false)}
      >
        Refuse
      </button>
      {problem !== undefined && <p role="alert">{problem}</p>}
    </div>
  );
}

function isOver({ state, approved }: ToolPart): boolean {
  return /^output-|-error$/.test(state) || approved === false;
}

function describeCall(part: ToolPart, isOpen: boolean): string {
  if (part.approved === false) return "Refused";
  if (!isOver(part) && !isOpen) return "Unfinished";
  switch (part.state) {
    case "input-start":
      return "Being called";
    case "approval-request":
      return "Waits for your word";
    case "input-end":
    case "approval-respond":
      return "Running";
    case "output-end":
      return "Done";
    case "input-error":
    case "output-error":
      return "Failed";
  }
}

/** What went in or came out, as one reads it; empty where there is nothing. */
function toText(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, undefined, 1).replaceAll(/\n\s*/g, " ");
}
