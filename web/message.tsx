import { memo, useState } from "react";
import type { ReactNode } from "react";
import type { ChatStore, ShownStep } from "millrace/client";
import type { UserChatMessage } from "millrace/protocol";
import { Answer } from "./answer.tsx";
import { Branches } from "./branches.tsx";
import { Editor } from "./editor.tsx";
import { useKeptFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";

export interface MessageProps {
  step: ShownStep;
  store: ChatStore;
  /** The model that is asked next. */
  model: string | undefined;
  isLast: boolean;
  /** What would begin an answer here has to wait for another. */
  isBusy: boolean;
  /** The connection is away, and this is being written. */
  isCut: boolean;
}

/** One message. Its step stays the same object until it changes, so that a long chat is not drawn again with each token. */
export const Message = memo(function Message(props: MessageProps): ReactNode {
  const { message } = props.step;
  return message.role === "user" ? (
    <Question {...props} message={message} />
  ) : (
    <Answer {...props} message={message} />
  );
});

function Question({
  step,
  store,
  model,
  message,
  isBusy,
}: MessageProps & { message: UserChatMessage }): ReactNode {
  const [isEditing, setEditing] = useState(false);
  const focus = useKeptFocus();
  const { sending } = step;
  return (
    <article
      className="question"
      aria-label="You"
      data-role="user"
      data-message={message.id}
      data-sending={sending?.status}
      {...focus}
    >
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
            aria-disabled={isBusy}
            onClick={() => !isBusy && void store.resend(message.id)}
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
