import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { Icon } from "./icons.tsx";
import { ModelPicker } from "./model.tsx";

export interface ComposerProps {
  /** What stands in it at first. */
  first?: string;
  /** Nothing can be sent at this moment. */
  isBusy?: boolean;
  /** An answer is written: the button stops it. */
  isAnswering?: boolean;
  /** Resolves with whether it was taken; the box is emptied when it is sent, and gets it back when it was not. */
  onSend: (text: string) => Promise<boolean>;
  onStop?: () => void;
}

/** Where a message is written: Enter sends, Shift+Enter breaks the line, and it grows with its text. */
export function Composer({ first = "", isBusy, isAnswering, onSend, onStop }: ComposerProps): ReactNode {
  const [text, setText] = useState(first);
  const box = useRef<HTMLTextAreaElement>(null);

  useLayoutEffect(() => {
    if (box.current === null) return;
    box.current.style.height = "auto";
    box.current.style.height = `${box.current.scrollHeight}px`;
  }, [text]);
  useEffect(() => box.current?.focus({ preventScroll: true }), []);

  async function send(): Promise<void> {
    if (isAnswering === true) return onStop?.();
    if (isBusy === true || text.trim() === "") return box.current?.focus();
    setText("");
    if (!(await onSend(text.trim()))) setText((now) => (now === "" ? text : now));
  }

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
        maxLength={200_000}
        placeholder="Ask a question"
        autoComplete="off"
        enterKeyHint="send"
        dir="auto"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
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
        >
          <Icon name={isAnswering ? "stop" : "ask"} />
          {isAnswering ? "Stop" : "Send"}
        </button>
      </div>
    </form>
  );
}

/** Whether a key belongs to an input method that is still composing a word; Safari tells its last one by the code alone. */
export function isComposing({ isComposing, keyCode }: { isComposing: boolean; keyCode: number }): boolean {
  return isComposing || keyCode === 229;
}
