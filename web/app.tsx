import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { Chat } from "./chat.tsx";
import { Icon } from "./icons.tsx";
import { NewChat } from "./new-chat.tsx";
import { onLink, useRoute } from "./route.ts";
import { Sidebar } from "./sidebar.tsx";

/** The page: the list of chats, and one of them or the beginning of another. */
export function App(): ReactNode {
  const { chat, prompt } = useRoute();
  const [isListOpen, setListOpen] = useState(false);

  // Whoever has chosen from the drawer wants to see what was chosen.
  useEffect(() => setListOpen(false), [chat]);

  return (
    <div className="shell" data-list={isListOpen ? "open" : "closed"}>
      <Sidebar current={chat} isOpen={isListOpen} onClose={() => setListOpen(false)} />
      <div className="page">
        <header className="bar">
          <button
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
        </header>
        {chat === undefined ? <NewChat key={prompt} prompt={prompt} /> : <Chat key={chat} id={chat} />}
      </div>
    </div>
  );
}
