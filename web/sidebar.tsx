import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import type { ChatListEntry } from "millrace/client";
import { useChats } from "millrace/react";
import { Icon } from "./icons.tsx";
import { chatPath, onLink } from "./route.ts";

export interface SidebarProps {
  current: string | undefined;
  /** On a narrow page it is a drawer. */
  isOpen: boolean;
  onClose: () => void;
}

/** How long a deletion can be undone. Source: PROTOCOL.md "Chats". */
const UNDO_MS = 30_000;

/** The live list of chats. */
export function Sidebar({ current, isOpen, onClose }: SidebarProps): ReactNode {
  const { status, chats, rename, delete: remove, restore } = useChats();
  const [deleted, setDeleted] = useState<{ id: string; title: string }>();

  useEffect(() => {
    if (deleted === undefined) return undefined;
    const timer = setTimeout(() => setDeleted(undefined), UNDO_MS);
    return () => clearTimeout(timer);
  }, [deleted]);
  useEffect(() => {
    if (!isOpen) return undefined;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape") onClose();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [isOpen, onClose]);

  return (
    <>
      <nav className="sidebar" aria-label="Chats">
        <a
          className="button is-line new"
          href="/"
          onClick={onLink}
          aria-current={current === undefined ? "page" : undefined}
        >
          <Icon name="plus" />
          New chat
        </a>
        <ul className="chats">
          {chats.map((chat) => (
            <Entry
              key={chat.id}
              chat={chat}
              isCurrent={chat.id === current}
              onRename={(title) => void rename(chat.id, title)}
              onDelete={() => {
                setDeleted({ id: chat.id, title: titleOf(chat) });
                void remove(chat.id);
              }}
            />
          ))}
        </ul>
        {status === "ready" && chats.length === 0 && <p className="no-chats">Your chats will stand here.</p>}
        {deleted !== undefined && (
          <p className="undo" role="status">
            <span>“{deleted.title}” was deleted.</span>
            <button
              type="button"
              className="button is-line"
              onClick={() => {
                setDeleted(undefined);
                void restore(deleted.id);
              }}
            >
              Undo
            </button>
          </p>
        )}
      </nav>
      <button type="button" className="veil" aria-label="Close the list" tabIndex={-1} onClick={onClose} />
    </>
  );
}

interface EntryProps {
  chat: ChatListEntry;
  isCurrent: boolean;
  onRename: (title: string) => void;
  onDelete: () => void;
}

function Entry({ chat, isCurrent, onRename, onDelete }: EntryProps): ReactNode {
  const [isNaming, setNaming] = useState(false);
  const title = titleOf(chat);
  if (isNaming) {
    const save = (name: string) => {
      setNaming(false);
      if (name.trim() !== "" && name !== title) onRename(name.trim().slice(0, 200));
    };
    return (
      <li>
        <input
          className="chat-name"
          aria-label="The chat's name"
          defaultValue={title}
          autoFocus
          onBlur={(event) => save(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") save(event.currentTarget.value);
            if (event.key === "Escape") setNaming(false);
          }}
        />
      </li>
    );
  }
  return (
    <li data-live={chat.run !== undefined}>
      <a
        href={chatPath(chat.id)}
        onClick={onLink}
        onDoubleClick={() => setNaming(true)}
        aria-current={isCurrent ? "page" : undefined}
        title={`${title} (double click to rename)`}
      >
        <span className="chat-title">{title}</span>
        {chat.run !== undefined && <span className="live" role="img" aria-label="Answering" />}
      </a>
      <button type="button" className="button is-icon" aria-label={`Delete ${title}`} onClick={onDelete}>
        <Icon name="trash" />
      </button>
    </li>
  );
}

function titleOf({ title }: ChatListEntry): string {
  return title === undefined || title === "" ? "New chat" : title;
}
