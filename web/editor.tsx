import { useLayoutEffect, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { MAX_TEXT_LENGTH, TooLong } from "./composer.tsx";
import { isComposing } from "./focus.ts";

export interface EditorProps {
  text: string;
  onSave: (text: string) => void;
  onCancel: () => void;
}

/** A message that is said otherwise: it becomes a branch of its own. */
export function Editor({ text, onSave, onCancel }: EditorProps): ReactNode {
  const [draft, setDraft] = useState(text);
  const box = useRef<HTMLTextAreaElement>(null);
  const isTooLong = draft.trim().length > MAX_TEXT_LENGTH;

  useLayoutEffect(() => {
    box.current?.focus();
    box.current?.setSelectionRange(text.length, text.length);
  }, [text]);
  useLayoutEffect(() => {
    if (box.current === null) return;
    box.current.style.height = "auto";
    // The box's own border comes on top.
    box.current.style.height = `${box.current.scrollHeight + 2}px`;
  }, [draft]);

  function save(): void {
    if (draft.trim() !== "" && !isTooLong) onSave(draft.trim());
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (isComposing(event.nativeEvent)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      save();
    }
    if (event.key === "Escape") {
      // It ends the editing, not the answer.
      event.stopPropagation();
      onCancel();
    }
  }

  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        ref={box}
        aria-label="Edit the message"
        dir="auto"
        rows={1}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {isTooLong && <TooLong length={draft.trim().length} />}
      <div className="tools">
        <button type="button" className="button is-plain" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" className="button is-primary" aria-disabled={isTooLong}>
          Ask this instead
        </button>
      </div>
    </form>
  );
}
