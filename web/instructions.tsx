import { useState } from "react";
import type { ReactNode } from "react";
import { useChat } from "millrace/react";
import { Dialog } from "./dialog.tsx";

/** Source: PROTOCOL.md "Chats". */
const MAX_LENGTH = 100_000;

export interface InstructionsProps {
  text: string;
  /** Resolves with what went wrong, if something did. */
  onSave: (text: string) => Promise<string | undefined>;
  onClose: () => void;
}

/** What a model is told before everything else in a chat: its system prompt. */
export function Instructions({ text, onSave, onClose }: InstructionsProps): ReactNode {
  const [draft, setDraft] = useState(text);
  const [failure, setFailure] = useState<string>();
  const [isSaving, setSaving] = useState(false);

  async function save(): Promise<void> {
    if (isSaving) return;
    setSaving(true);
    const problem = await onSave(draft.trim());
    setSaving(false);
    if (problem === undefined) onClose();
    else setFailure(problem);
  }

  return (
    <Dialog title="Instructions" onClose={onClose}>
      <form
        className="instructions"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <label htmlFor="instructions">
          What the model is told before everything else in this chat, from the next answer on.
        </label>
        <textarea
          id="instructions"
          dir="auto"
          rows={8}
          maxLength={MAX_LENGTH}
          placeholder="Answer briefly, and name your sources."
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
        />
        {failure !== undefined && (
          <p className="is-failed" role="alert">
            {failure}
          </p>
        )}
        <div className="dialog-foot">
          <button type="button" className="button is-plain" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button is-primary" aria-disabled={isSaving}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Those of a chat that is there. */
export function ChatInstructions({ chat, onClose }: { chat: string; onClose: () => void }): ReactNode {
  const { status, system = "", update } = useChat(chat);
  if (status === "loading") return undefined;
  const save = async (text: string) =>
    (await update({ system: text })) ? undefined : "They were not saved. Try again.";
  return <Instructions text={system} onSave={save} onClose={onClose} />;
}

/** That a chat has instructions, and how they begin. */
export function Told({
  system,
  onInstructions,
}: {
  system: string | undefined;
  onInstructions: () => void;
}): ReactNode {
  if (system === undefined || system === "") return undefined;
  return (
    <button type="button" className="told" onClick={onInstructions}>
      Instructions:
      <span dir="auto">{system}</span>
    </button>
  );
}
