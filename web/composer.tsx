import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { createDraftKeeper, readDraft } from "./drafts.ts";
import type { DraftKeeper } from "./drafts.ts";
import { focusBox, isComposing } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { ModelPicker } from "./model.tsx";
import { formatCount } from "./words.ts";

/** Source: PROTOCOL.md "Chats". A longer text is not cut off, but said to be too long. */
export const MAX_TEXT_LENGTH = 200_000;
/** A text of so many characters fills the box, whatever its lines are: it need not be measured. */
const TALL_LENGTH = 8_000;

export interface ComposerProps {
  /** Whose draft it holds. */
  chat: string;
  /** What stands in it at first. Default: the draft. */
  first?: string | undefined;
  /** Nothing can be sent at this moment: what is sent waits until it can. */
  isBusy?: boolean;
  /** An answer is written: the button stops it. */
  isAnswering?: boolean;
  /** Resolves with whether it was taken: until then it stays in the box, or at least in the draft. */
  onSend: (text: string) => Promise<boolean>;
  /** What is sent is shown elsewhere at once, so that the next can be written. */
  isShownAtOnce?: boolean;
  onStop?: () => void;
  /** Its height has changed. */
  onResize?: () => void;
}

/** Where a message is written: Enter sends, Shift+Enter breaks the line, and it grows with its text. */
export function Composer({
  chat,
  first,
  isBusy,
  isAnswering,
  onSend,
  isShownAtOnce = false,
  onStop,
  onResize,
}: ComposerProps): ReactNode {
  const [text, setText] = useState(() => first ?? readDraft(chat));
  const [isSending, setSending] = useState(false);
  const [isWaiting, setWaiting] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const isTooLong = text.trim().length > MAX_TEXT_LENGTH;

  useLayoutEffect(() => {
    if (box.current === null) return;
    box.current.style.height = "auto";
    box.current.style.height = text.length > TALL_LENGTH ? "100dvh" : `${box.current.scrollHeight}px`;
    onResize?.();
    // The text alone makes it grow.
  }, [text]);
  useEffect(focusBox, []);
  const draft = useRef<DraftKeeper>(undefined);
  useEffect(() => {
    const keeper = (draft.current = createDraftKeeper(chat));
    return () => keeper.close();
  }, [chat]);

  async function send(): Promise<void> {
    if (isAnswering === true) return onStop?.();
    if (isSending || isTooLong || text.trim() === "") return box.current?.focus();
    if (isBusy === true) return setWaiting(true);
    focusBox();
    const sent = text.trim();
    const taken = onSend(sent);
    const keeper = draft.current;
    if (isShownAtOnce) setText("");
    else setSending(true);
    const isTaken = await taken;
    setSending(false);
    if (!isTaken) return;
    keeper?.clear(sent);
    if (!isShownAtOnce) setText("");
  }

  useEffect(() => {
    if (!isWaiting || isBusy === true) return;
    setWaiting(false);
    void send();
  });

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || isComposing(event.nativeEvent)) return;
    event.preventDefault();
    // What is written waits for the end of the answer; only the button and Esc stop.
    if (isAnswering !== true) void send();
  }

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      onClick={(event) => {
        if (event.target === event.currentTarget) box.current?.focus();
      }}
    >
      <label className="unseen" htmlFor="prompt">
        Your message
      </label>
      <textarea
        ref={box}
        id="prompt"
        rows={1}
        placeholder="Ask a question"
        autoComplete="off"
        enterKeyHint="send"
        dir="auto"
        value={text}
        readOnly={isSending}
        onChange={(event) => {
          setText(event.target.value);
          draft.current?.write(event.target.value);
        }}
        onKeyDown={onKeyDown}
      />
      {isTooLong && <TooLong length={text.trim().length} />}
      <div className="composer-foot">
        <ModelPicker />
        <p className="keys" aria-hidden="true">
          <kbd>Enter</kbd> sends, <kbd>Shift Enter</kbd> breaks the line
        </p>
        <button
          type="submit"
          className="button is-primary"
          id="send"
          data-does={isAnswering ? "stop" : "send"}
          aria-disabled={isTooLong && isAnswering !== true}
        >
          <Icon name={isAnswering ? "stop" : "ask"} />
          {isAnswering ? "Stop" : "Send"}
        </button>
      </div>
    </form>
  );
}

/** Says by how much a text is too long. */
export function TooLong({ length }: { length: number }): ReactNode {
  const [has, may] = [length, MAX_TEXT_LENGTH].map(formatCount);
  return (
    <p className="too-long" role="alert">
      This has {has} characters, a message may have {may}. Nothing was cut off: shorten it, or send it in
      parts.
    </p>
  );
}
