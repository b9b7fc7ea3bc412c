import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { useClient } from "millrace/react";
import { fileName, saveFile, toMarkdown } from "./export.ts";
import { Icon } from "./icons.tsx";
import { useKept } from "./kept.ts";
import { isSignedIn, signOut } from "./sign-out.ts";
import { chooseTheme, keptTheme, readTheme } from "./theme.ts";
import type { Theme } from "./theme.ts";

export interface MoreProps {
  chat: string | undefined;
  onInstructions: () => void;
  onHelp: () => void;
}

const THEMES: [theme: Theme, name: string][] = [
  ["system", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
];

/** What is done seldom: of a chat, and of the page. */
export function More({ chat, onInstructions, onHelp }: MoreProps): ReactNode {
  const menu = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const close = () => menu.current?.hidePopover();
  return (
    <>
      <button type="button" className="button is-icon" aria-label="More" popoverTarget="more">
        <Icon name="more" />
      </button>
      <div
        className="more"
        id="more"
        ref={menu}
        popover="auto"
        role="group"
        aria-label="More"
        onToggle={({ newState }) => setOpen(newState === "open")}
      >
        <Item
          name="Instructions"
          onChoose={() => {
            close();
            onInstructions();
          }}
        />
        {chat !== undefined && <Exports chat={chat} onDone={close} />}
        <Themes />
        <Item
          name="Keys and marks"
          keys="?"
          onChoose={() => {
            close();
            onHelp();
          }}
        />
        {isOpen && <SignOut />}
      </div>
    </>
  );
}

function Exports({ chat, onDone }: { chat: string; onDone: () => void }): ReactNode {
  const client = useClient();
  const [failure, setFailure] = useState<string>();
  const store = client.chat(chat);

  function saveMarkdown(): void {
    const view = store.getSnapshot();
    saveFile(fileName(view.title, "md"), "text/markdown", toMarkdown(view));
    onDone();
  }

  async function saveJson(): Promise<void> {
    setFailure(undefined);
    try {
      const whole = await client.api.send("GET", `/v1/chats/${chat}`);
      const { title } = store.getSnapshot();
      saveFile(fileName(title, "json"), "application/json", `${JSON.stringify(whole, undefined, 2)}\n`);
      onDone();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <>
      <Item name="Export as Markdown" onChoose={saveMarkdown} />
      <Item name="Export as JSON" onChoose={() => void saveJson()} />
      {failure !== undefined && <Failure text={failure} />}
    </>
  );
}

/** A way out, where this browser has signed in. Asked each time that the menu is opened. */
function SignOut(): ReactNode {
  const [isShown, setShown] = useState(false);
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    // Where nobody can be asked, nobody can be signed out.
    isSignedIn().then(setShown, () => undefined);
  }, []);
  if (!isShown) return undefined;
  return (
    <>
      <Item
        name="Sign out"
        onChoose={() => void signOut().catch((error: unknown) => setFailure((error as Error).message))}
      />
      {failure !== undefined && <Failure text={failure} />}
    </>
  );
}

function Failure({ text }: { text: string }): ReactNode {
  return (
    <p className="more-note is-failed" role="alert">
      {text}
    </p>
  );
}

function Themes(): ReactNode {
  const chosen = readTheme(useKept(keptTheme));
  return (
    <div className="themes" role="group" aria-label="Colours">
      {THEMES.map(([theme, name]) => (
        <button
          key={theme}
          type="button"
          className="button is-plain"
          aria-pressed={theme === chosen}
          onClick={() => chooseTheme(theme)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

function Item({ name, keys, onChoose }: { name: string; keys?: string; onChoose: () => void }): ReactNode {
  return (
    <button type="button" className="more-item" onClick={onChoose}>
      {name}
      {keys !== undefined && <kbd aria-hidden="true">{keys}</kbd>}
    </button>
  );
}
