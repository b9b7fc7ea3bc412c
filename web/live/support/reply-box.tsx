import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { createDraftKeeper, readDraft } from "../../drafts.ts";
import { isComposing } from "../../focus.ts";
import { MAX_TEXT } from "./ticket.ts";

export interface ReplyBoxProps {
  /** Whose draft it holds. */
  draft: string;
  isClosed: boolean;
  /** To be called with each change of the text. */
  onType: (text: string) => void;
  onSend: (text: string) => void;
}

/** Where a reply is written: Enter sends, Shift+Enter breaks the line, and what was not sent is kept. */
export function ReplyBox({ draft, isClosed, onType, onSend }: ReplyBoxProps): ReactNode {
  const [text, setText] = useState(() => readDraft(draft));
  const keeper = useMemo(() => createDraftKeeper(draft), [draft]);
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => () => keeper.close(), [keeper]);
  useLayoutEffect(() => {
    if (box.current === null) return;
    box.current.style.height = "auto";
    box.current.style.height = `${box.current.scrollHeight}px`;
  }, [text]);
  function write(next: string): void {
    setText(next);
    keeper.write(next);
    onType(next);
  }
  function send(): void {
    const said = text.trim();
    if (said === "") return;
    onSend(said);
    write("");
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || isComposing(event.nativeEvent)) return;
    event.preventDefault();
    send();
  }
  return (
    <form
      className="support-reply"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={box}
        rows={1}
        aria-label="Reply"
        placeholder="Reply"
        maxLength={MAX_TEXT}
        value={text}
        onChange={(event) => write(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <button type="submit" className="button is-primary">
        {isClosed ? "Reopen and send" : "Send"}
      </button>
    </form>
  );
}
