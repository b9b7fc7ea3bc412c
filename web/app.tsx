import { Suspense, useEffect, useMemo, useRef, useState } from "react";
import type { ReactNode } from "react";
import { addressOf } from "./base.ts";
import { Bar } from "./bar.tsx";
import { Chat } from "./chat.tsx";
import { focusBox } from "./focus.ts";
import { Help } from "./help.tsx";
import { ChatInstructions, Instructions } from "./instructions.tsx";
import { stepMessage, useKeys } from "./keys.ts";
import { lazyPart } from "./lazy-part.ts";
import { NewChat } from "./new-chat.tsx";
import { navigate, useRoute } from "./route.ts";
import { showWire, toggleWire, useShownWire } from "./shown-wire.ts";
import { Sidebar } from "./sidebar.tsx";

/** As in page.css. */
const WIDE = "(min-width: 960px)";

// Whoever does not look at the wire does not load it.
const Wire = lazyPart(async () => (await import("./wire.tsx")).Wire);

/** The page: the list of chats, and one of them or the beginning of another. */
export function App(): ReactNode {
  const { chat, prompt } = useRoute();
  const [isListOpen, setListOpen] = useState(false);
  const menu = useRef<HTMLButtonElement>(null);
  const [over, setOver] = useState<"help" | "instructions">();
  /** What the next new chat begins with. */
  const [system, setSystem] = useState("");
  const isWireOpen = useShownWire();

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

  const keys = useMemo(
    () => ({
      "?": () => setOver("help"),
      j: () => stepMessage(1),
      k: () => stepMessage(-1),
      m: focusBox,
      n: () => navigate(addressOf("/")),
      "/": () => {
        // Where the list is a drawer it comes first.
        if (!matchMedia(WIDE).matches) setListOpen(true);
        requestAnimationFrame(() => document.getElementById("search")?.focus());
      },
      w: toggleWire,
    }),
    [],
  );
  useKeys(keys);

  return (
    <div
      className="shell"
      data-list={isListOpen ? "open" : "closed"}
      data-wire={isWireOpen ? "open" : "closed"}
    >
      <Sidebar current={chat} isOpen={isListOpen} onClose={() => setListOpen(false)} />
      <div className="page" inert={isListOpen}>
        <Bar
          menu={menu}
          isListOpen={isListOpen}
          onMenu={() => setListOpen(!isListOpen)}
          isWireOpen={isWireOpen}
          onWire={toggleWire}
          chat={chat}
          onInstructions={() => setOver("instructions")}
          onHelp={() => setOver("help")}
        />
        {chat === undefined ? (
          <NewChat
            key={prompt}
            prompt={prompt}
            system={system}
            onInstructions={() => setOver("instructions")}
            onMade={() => setSystem("")}
          />
        ) : (
          <Chat key={chat} id={chat} isCovered={isListOpen} onInstructions={() => setOver("instructions")} />
        )}
      </div>
      {isWireOpen && (
        <Suspense>
          <Wire chat={chat} onClose={closeWire} />
        </Suspense>
      )}
      {over === "help" && <Help onClose={() => setOver(undefined)} />}
      {over === "instructions" && chat !== undefined && (
        <ChatInstructions key={chat} chat={chat} onClose={() => setOver(undefined)} />
      )}
      {over === "instructions" && chat === undefined && (
        <Instructions
          text={system}
          onSave={(text) => {
            setSystem(text);
            return Promise.resolve(undefined);
          }}
          onClose={() => setOver(undefined)}
        />
      )}
    </div>
  );
}

/** The focus goes to what brings it back. */
function closeWire(): void {
  showWire(false);
  document.getElementById("show-wire")?.focus();
}
