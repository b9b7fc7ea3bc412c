import { useLayoutEffect, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import type { ChatListEntry } from "millrace/client";
import { isComposing } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { chatPath, onLink } from "./route.ts";

export interface ChatEntryProps {
  chat: ChatListEntry;
  isCurrent: boolean;
  /** Its last answer ended while nobody here looked. */
  isUnread: boolean;
  onRename: (title: string) => void;
  onDelete: (title: string) => void;
}

/** A chat in the list: a link to it, and what can be done with it. */
export function ChatEntry({ chat, isCurrent, isUnread, onRename, onDelete }: ChatEntryProps): ReactNode {
  const [isNaming, setNaming] = useState(false);
  const link = useRef<HTMLAnchorElement>(null);
  /** The name was ended by a key: the focus goes back to where it was. */
  const isByKey = useRef(false);
  const title = chat.title === undefined || chat.title === "" ? "New chat" : chat.title;

  useLayoutEffect(() => {
    if (!isNaming && isByKey.current) link.current?.focus();
    isByKey.current = false;
  }, [isNaming]);

  function save(name: string): void {
    setNaming(false);
    if (name.trim() !== "" && name.trim() !== title) onRename(name.trim());
  }

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>): void {
    if (isComposing(event.nativeEvent)) return;
    if (event.key !== "Enter" && event.key !== "Escape") return;
    // It ends the naming, not an answer.
    event.stopPropagation();
    isByKey.current = true;
    if (event.key === "Enter") save(event.currentTarget.value);
    else setNaming(false);
  }

  if (isNaming) {
    return (
      <li>
        <input
          className="chat-name"
          aria-label="The chat's name"
          defaultValue={title}
          maxLength={200}
          autoFocus
          onFocus={(event) => event.target.select()}
          onBlur={(event) => save(event.target.value)}
          onKeyDown={onKeyDown}
        />
      </li>
    );
  }
  return (
    <li data-live={chat.run !== undefined} data-unread={isUnread}>
      <a
        ref={link}
        href={chatPath(chat.id)}
        onClick={onLink}
        onDoubleClick={() => setNaming(true)}
        aria-current={isCurrent ? "page" : undefined}
        title={title}
      >
        <span className="chat-title">{title}</span>
        {chat.run !== undefined && <span className="live" role="img" aria-label="Answering" />}
        {isUnread && <span className="unread" role="img" aria-label="Not read yet" />}
      </a>
      <div className="chat-tools">
        <button
          type="button"
          className="button is-icon"
          aria-label={`Rename ${title}`}
          onClick={() => setNaming(true)}
        >
          <Icon name="edit" />
        </button>
        <button
          type="button"
          className="button is-icon"
          aria-label={`Delete ${title}`}
          onClick={() => onDelete(title)}
        >
          <Icon name="trash" />
        </button>
      </div>
    </li>
  );
}
