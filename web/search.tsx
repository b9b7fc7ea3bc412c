import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import type { FoundChat } from "millrace/client";
import { useChats } from "millrace/react";
import { isComposing } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { chatPath, onLink } from "./route.ts";

/** What is looked for, and what was found. */
export type Search =
  | { status: "idle" }
  | { status: "searching"; former: readonly FoundChat[] }
  | { status: "found"; chats: readonly FoundChat[] }
  | { status: "failed"; text: string };

const REST_MS = 120;

/** Looks for words in the titles and messages of all chats, once the typing rests. */
export function useSearch(words: string): Search {
  const { search } = useChats();
  const [state, setState] = useState<Search>({ status: "idle" });
  const wanted = words.trim();
  useEffect(() => {
    if (wanted === "") {
      setState({ status: "idle" });
      return undefined;
    }
    const abort = new AbortController();
    setState((former) => ({
      status: "searching",
      former: former.status === "found" ? former.chats : former.status === "searching" ? former.former : [],
    }));
    const look = async () => {
      try {
        const chats = await search(wanted, abort.signal);
        if (!abort.signal.aborted) setState({ status: "found", chats });
      } catch (error) {
        if (abort.signal.aborted) return;
        setState({ status: "failed", text: error instanceof Error ? error.message : String(error) });
      }
    };
    const timer = setTimeout(() => void look(), REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [wanted, search]);
  return state;
}

export interface SearchBoxProps {
  words: string;
  onWords: (words: string) => void;
}

/** Where the words are written. Esc empties it. */
export function SearchBox({ words, onWords }: SearchBoxProps): ReactNode {
  return (
    <div className="search" role="search">
      <Icon name="search" />
      <input
        id="search"
        type="search"
        aria-label="Search the chats"
        placeholder="Search"
        autoComplete="off"
        maxLength={200}
        value={words}
        onChange={(event) => onWords(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || words === "" || isComposing(event.nativeEvent)) return;
          // It ends the search, not an answer.
          event.stopPropagation();
          event.preventDefault();
          onWords("");
        }}
      />
      {words !== "" && (
        <button
          type="button"
          className="button is-icon"
          aria-label="Clear the search"
          onClick={() => {
            onWords("");
            document.getElementById("search")?.focus();
          }}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}

/** The chats in which the words stand, each with the place. */
export function SearchResults({
  search,
  current,
}: {
  search: Search;
  current?: string | undefined;
}): ReactNode {
  if (search.status === "idle") return undefined;
  if (search.status === "failed") return <p className="no-chats is-failed">{search.text}</p>;
  const chats = search.status === "found" ? search.chats : search.former;
  return (
    <>
      <p className="unseen" role="status">
        {search.status === "found" && `${chats.length} found`}
      </p>
      {search.status === "found" && chats.length === 0 && (
        <p className="no-chats">No chat holds these words.</p>
      )}
      <ul className="chats found" aria-label="Found chats" aria-busy={search.status === "searching"}>
        {chats.map(({ chat, title, snippet }) => (
          <li key={chat}>
            <a href={chatPath(chat)} onClick={onLink} aria-current={chat === current ? "page" : undefined}>
              <span className="chat-title">{title === undefined || title === "" ? "New chat" : title}</span>
              {snippet !== undefined && <span className="snippet">{snippet}</span>}
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
