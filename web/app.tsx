import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { Chat } from "./chat.tsx";
import { Icon } from "./icons.tsx";
import { NewChat } from "./new-chat.tsx";
import { onLink, useRoute } from "./route.ts";
import { Sidebar } from "./sidebar.tsx";

/** As in page.css. */
const WIDE = "(min-width: 960px)";

/** The page: the list of chats, and one of them or the beginning of another. */
export function App(): ReactNode {
  const { chat, prompt } = useRoute();
  const [isListOpen, setListOpen] = useState(false);
  const menu = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    // Where there is room the list is no drawer.
    const wide = matchMedia(WIDE);
    const onChange = () => setListOpen(false);
    wide.addEventListener("change", onChange);
    return () => wide.removeEventListener("change", onChange);
  }, []);
  useEffect(() => {
    if (!isListOpen) return undefined;
    const button = menu.current;
    return () => button?.focus();
  }, [isListOpen]);

  return (
    <div className="shell" data-list={isListOpen ? "open" : "closed"}>
      <Sidebar current={chat} isOpen={isListOpen} onClose={() => setListOpen(false)} />
      <div className="page" inert={isListOpen}>
        <header className="bar">
          <button
            ref={menu}
            type="button"
            className="button is-icon menu"
            aria-label="Chats"
            aria-expanded={isListOpen}
            onClick={() => setListOpen(!isListOpen)}
          >
            <Icon name="menu" />
          </button>
          <a className="brand" href="/" onClick={onLink}>
            <Icon name="logo" />
            Millrace
          </a>
          <a className="button is-plain" href="/live">
            Live feeds
          </a>
        </header>
        {chat === undefined ? (
          <NewChat key={prompt} prompt={prompt} />
        ) : (
          <Chat key={chat} id={chat} isCovered={isListOpen} />
        )}
      </div>
    </div>
  );
}
