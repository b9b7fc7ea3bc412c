import { useId, useState } from "react";
import type { ReactNode } from "react";
import type { AssistantChatMessage } from "millrace/protocol";
import { count, describeFigures } from "./words.ts";

/** What was measured of an answer: how long it is, and the rest on demand. */
export function Figures({ message }: { message: AssistantChatMessage }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const tokens = message.end?.usage?.outputTokens;
  return (
    <div className="figures">
      <button
        type="button"
        className="button is-plain"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        {tokens !== undefined && count(tokens, "token")}
        <span className={tokens === undefined ? undefined : "unseen"}>Details</span>
      </button>
      {isOpen && <p id={id}>{describeFigures(message)}</p>}
    </div>
  );
}
