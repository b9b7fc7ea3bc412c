import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { useChats } from "millrace/react";
import { addressOf } from "./base.ts";
import { ChatEntry } from "./chat-entry.tsx";
import { useKeptFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { onLink } from "./route.ts";
import { SearchBox, SearchResults, useSearch } from "./search.tsx";
import { useUnread } from "./seen.ts";

export interface SidebarProps {
  current: string | undefined;
  /** On a narrow page it is a drawer. */
  isOpen: boolean;
  onClose: () => void;
}

/** What has become of a chat that someone wanted to change. */
type Outcome = { type: "deleted"; chat: string; title: string } | { type: "failed"; text: string };

/** How long a deletion can be undone. Source: PROTOCOL.md "Chats". */
const UNDO_MS = 30_000;

/** The live list of chats. */
export function Sidebar({ current, isOpen, onClose }: SidebarProps): ReactNode {
  const { status, chats, rename, delete: remove, restore } = useChats();
  const [outcome, setOutcome] = useState<Outcome>();
  const [words, setWords] = useState("");
  const search = useSearch(words);
  const unread = useUnread(status === "ready" ? chats : undefined, current);
  const focus = useKeptFocus();

  useEffect(() => {
    if (outcome === undefined) return undefined;
    const timer = setTimeout(() => setOutcome(undefined), UNDO_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  useEffect(() => {
    if (!isOpen) return undefined;
    focus.ref.current?.querySelector("a")?.focus();
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape") onClose();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [isOpen, onClose, focus.ref]);

  async function change(ask: () => Promise<void>, done?: Outcome): Promise<void> {
    setOutcome(undefined);
    try {
      await ask();
      setOutcome(done);
    } catch (error) {
      setOutcome({ type: "failed", text: error instanceof Error ? error.message : String(error) });
    }
  }

  return (
    <>
      <nav
        className="sidebar"
        aria-label="Chats"
        {...focus}
        // Whoever has chosen from the drawer wants to see what was chosen; a double click goes on.
        onClick={(event) => {
          if (event.detail < 2 && event.target instanceof Element && event.target.closest("a")) onClose();
        }}
      >
        <a
          className="button is-line new"
          href={addressOf("/")}
          onClick={onLink}
          aria-current={current === undefined ? "page" : undefined}
        >
          <Icon name="plus" />
          New chat
        </a>
        <SearchBox words={words} onWords={setWords} />
        <SearchResults search={search} current={current} />
        <ul className="chats" hidden={search.status !== "idle"}>
          {chats.map((chat) => (
            <ChatEntry
              key={chat.id}
              chat={chat}
              isCurrent={chat.id === current}
              isUnread={unread.has(chat.id)}
              onRename={(title) => void change(() => rename(chat.id, title))}
              onDelete={(title) =>
                void change(() => remove(chat.id), { type: "deleted", chat: chat.id, title })
              }
            />
          ))}
        </ul>
        {status === "ready" && chats.length === 0 && search.status === "idle" && (
          <p className="no-chats">Your chats will stand here.</p>
        )}
        <Notice outcome={outcome} onUndo={(chat) => void change(() => restore(chat))} />
        <a className="feeds" href={addressOf("/live")}>
          Live feeds
        </a>
      </nav>
      <button type="button" className="veil" aria-label="Close the list" tabIndex={-1} onClick={onClose} />
    </>
  );
}

function Notice({
  outcome,
  onUndo,
}: {
  outcome: Outcome | undefined;
  onUndo: (chat: string) => void;
}): ReactNode {
  const undo = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // The button that deleted is going away; what takes it back is the next of kin.
    if (undo.current?.closest("nav")?.contains(document.activeElement)) undo.current.focus();
  }, [outcome]);
  if (outcome === undefined) return undefined;
  if (outcome.type === "failed") {
    return (
      <p className="undo is-failed" role="status">
        {outcome.text}
      </p>
    );
  }
  return (
    <p className="undo" role="status">
      <span>“{outcome.title}” was deleted.</span>
      <button ref={undo} type="button" className="button is-line" onClick={() => onUndo(outcome.chat)}>
        Undo
      </button>
    </p>
  );
}
