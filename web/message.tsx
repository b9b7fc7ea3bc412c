import { memo, useLayoutEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import type { ChatStore, ShownStep } from "millrace/client";
import type { AssistantChatMessage, UserChatMessage } from "millrace/protocol";
import { copyText } from "./copy.ts";
import { Icon } from "./icons.tsx";
import { Prose } from "./prose.tsx";
import { describeEnd, describeFigures } from "./words.ts";

export interface MessageProps {
  step: ShownStep;
  store: ChatStore;
  /** The model that is asked next. */
  model: string | undefined;
  isLast: boolean;
  /** An answer is written somewhere in the chat. */
  isBusy: boolean;
  /** The connection is away. */
  isCut: boolean;
}

/** One message. Its step stays the same object until it changes, so that a long chat is not drawn again with each token. */
export const Message = memo(function Message(props: MessageProps): ReactNode {
  const { message } = props.step;
  return message.role === "user" ? (
    <UserMessage {...props} message={message} />
  ) : (
    <Answer {...props} message={message} />
  );
});

function UserMessage({
  step,
  store,
  model,
  message,
  isBusy,
}: MessageProps & { message: UserChatMessage }): ReactNode {
  const [isEditing, setEditing] = useState(false);
  const { sending } = step;
  return (
    <article className="question" data-role="user" data-message={message.id} data-sending={sending?.status}>
      {isEditing ? (
        <Editor
          text={message.text}
          onCancel={() => setEditing(false)}
          onSave={(text) => {
            setEditing(false);
            void store.edit(message.id, text, { model });
          }}
        />
      ) : (
        <p className="text" dir="auto">
          {message.text}
        </p>
      )}
      {sending?.status === "failed" && (
        <div className="failed" role="alert">
          <p>Not sent: {sending.error.message}</p>
          <button
            type="button"
            className="button is-line"
            disabled={isBusy}
            onClick={() => void store.resend(message.id)}
          >
            Send again
          </button>
          <button type="button" className="button is-plain" onClick={() => store.discard(message.id)}>
            Discard
          </button>
        </div>
      )}
      {sending === undefined && !isEditing && (
        <div className="tools">
          <Branches step={step} store={store} />
          <button type="button" className="button is-plain" onClick={() => setEditing(true)}>
            <Icon name="edit" />
            Edit
          </button>
        </div>
      )}
    </article>
  );
}

function Answer({
  step,
  store,
  model,
  message,
  isLast,
  isBusy,
  isCut,
}: MessageProps & { message: AssistantChatMessage }): ReactNode {
  const isOpen = message.end === undefined;
  const ending = describeEnd(message);
  const copyLabel = useRef<HTMLSpanElement>(null);
  const state = isOpen ? (isCut ? "cut" : message.text === "" ? "waiting" : "writing") : "ended";
  return (
    <article className="answer" data-role="assistant" data-message={message.id} data-state={state}>
      {message.reasoning !== undefined && (
        <details className="reasoning" data-live={isOpen && message.text === ""}>
          <summary>Reasoning</summary>
          <p dir="auto">{message.reasoning}</p>
        </details>
      )}
      <Prose text={message.text} isOpen={isOpen} />
      {ending !== undefined && (
        <p className="ending" data-tone={ending.tone}>
          {ending.text}
        </p>
      )}
      {!isOpen && (
        <footer className="foot">
          <p className="figures">{describeFigures(message)}</p>
          <div className="tools">
            <Branches step={step} store={store} />
            {message.end?.reason !== "stop" && isLast && (
              <button
                type="button"
                className="button is-line"
                disabled={isBusy}
                onClick={() => void store.continue(message.id)}
              >
                <Icon name="continue" />
                Continue
              </button>
            )}
            {message.text !== "" && (
              <button
                type="button"
                className="button is-plain"
                onClick={() => copyLabel.current && void copyText(message.text, copyLabel.current)}
              >
                <Icon name="copy" />
                <span ref={copyLabel}>Copy</span>
              </button>
            )}
            <button
              type="button"
              className="button is-plain"
              onClick={() => void store.regenerate(message.id, { model })}
            >
              <Icon name="again" />
              Answer again
            </button>
          </div>
        </footer>
      )}
    </article>
  );
}

/** "2 / 3", with the way to the others. */
function Branches({ step: { message, siblings }, store }: Pick<MessageProps, "step" | "store">): ReactNode {
  if (siblings.length < 2) return undefined;
  const index = siblings.indexOf(message.id);
  const show = (at: number) => {
    const sibling = siblings[at];
    if (sibling !== undefined) store.choose(sibling);
  };
  return (
    <div className="branches" role="group" aria-label="Versions">
      <button
        type="button"
        className="button is-icon"
        aria-label="The version before"
        disabled={index === 0}
        onClick={() => show(index - 1)}
      >
        <Icon name="left" />
      </button>
      <span>
        {index + 1} / {siblings.length}
      </span>
      <button
        type="button"
        className="button is-icon"
        aria-label="The next version"
        disabled={index === siblings.length - 1}
        onClick={() => show(index + 1)}
      >
        <Icon name="right" />
      </button>
    </div>
  );
}

interface EditorProps {
  text: string;
  onSave: (text: string) => void;
  onCancel: () => void;
}

/** A message that is said otherwise: it becomes a branch of its own. */
function Editor({ text, onSave, onCancel }: EditorProps): ReactNode {
  const [draft, setDraft] = useState(text);
  const box = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    if (box.current === null) return;
    box.current.style.height = `${box.current.scrollHeight}px`;
    box.current.focus();
    box.current.setSelectionRange(text.length, text.length);
  }, [text]);
  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault();
        if (draft.trim() !== "") onSave(draft.trim());
      }}
    >
      <textarea
        ref={box}
        aria-label="Edit the message"
        dir="auto"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          onCancel();
        }}
      />
      <div className="tools">
        <button type="button" className="button is-plain" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" className="button is-primary">
          Ask this instead
        </button>
      </div>
    </form>
  );
}
