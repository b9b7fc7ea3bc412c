import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { useChat, useClient, useConnection } from "millrace/react";
import { Composer, isComposing } from "./composer.tsx";
import { useElapsed } from "./elapsed.ts";
import { Icon } from "./icons.tsx";
import { Message } from "./message.tsx";
import { useModelChoice } from "./model.tsx";
import { onLink } from "./route.ts";
import { createFollower } from "./scroll.ts";
import type { Follower } from "./scroll.ts";
import { StatusLine } from "./status-line.tsx";
import { statusOf } from "./words.ts";

/** A shorter cut is shown by the dot alone. */
const QUIET_CUT_MS = 2_000;
const BACK_MS = 3_000;

/** One chat: its messages, the state of things, and the box. */
export function Chat({ id }: { id: string }): ReactNode {
  const chat = useChat(id);
  const store = useClient().chat(id);
  const connection = useConnection();
  const [model] = useModelChoice();
  const { follower, isFollowing } = useFollower();
  const isAway = connection.status === "reconnecting" || connection.status === "connecting";
  const isCut = useElapsed(isAway ? connection.since : undefined, QUIET_CUT_MS);
  const late = useLate(isCut, chat.caughtUp);

  useEffect(() => {
    document.title = chat.title === undefined || chat.title === "" ? "Millrace" : `${chat.title} · Millrace`;
  }, [chat.title]);
  useEscape(chat.isAnswering && !chat.isStopping, store.stop);

  if (chat.status === "unknown") {
    return (
      <Nothing title="There is no such chat.">
        <a className="button is-line" href="/" onClick={onLink}>
          Start a new one
        </a>
      </Nothing>
    );
  }
  if (chat.status === "deleted") {
    return (
      <Nothing title="This chat was deleted.">
        <button type="button" className="button is-line" onClick={() => void store.restore()}>
          Restore it
        </button>
      </Nothing>
    );
  }
  return (
    <>
      <main className="column" aria-label={chat.title ?? "Chat"}>
        <div className="messages">
          {chat.path.map((step, index) => (
            <Message
              key={step.message.id}
              step={step}
              store={store}
              model={model}
              isLast={index === chat.path.length - 1}
              isBusy={chat.isAnswering}
              isCut={isCut}
            />
          ))}
          {chat.isAnswering && chat.path.at(-1)?.message.role === "user" && (
            <div className="answer" data-state="waiting">
              <div className="prose" />
            </div>
          )}
        </div>
      </main>
      <div className="dock">
        <StatusLine status={statusOf({ chat, connection, isCut, late })}>
          {!isFollowing && chat.isAnswering && (
            <button
              type="button"
              className="button is-line"
              id="latest"
              onClick={() => follower.current?.follow()}
            >
              <Icon name="down" />
              Latest
            </button>
          )}
        </StatusLine>
        <Composer
          isBusy={chat.status === "loading"}
          isAnswering={chat.isAnswering}
          onSend={(text) => {
            follower.current?.follow();
            void store.send(text, { model });
            // It stands among the messages now, sent or not.
            return Promise.resolve(true);
          }}
          onStop={() => void store.stop()}
        />
      </div>
    </>
  );
}

function Nothing({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <main className="column">
      <section className="empty">
        <h1>{title}</h1>
        <p className="nothing-next">{children}</p>
      </section>
    </main>
  );
}

/** Keeps the end in sight, for a reader who is there. */
function useFollower(): { follower: React.RefObject<Follower | undefined>; isFollowing: boolean } {
  const follower = useRef<Follower>(undefined);
  const [isFollowing, setFollowing] = useState(true);
  useLayoutEffect(() => {
    const made = createFollower(() => setFollowing(made.isFollowing));
    follower.current = made;
    return () => made.close();
  }, []);
  // After the messages have been drawn.
  useLayoutEffect(() => follower.current?.keep());
  return { follower, isFollowing };
}

/** What came late after a cut that was long enough to be told, for a moment. */
function useLate(isCut: boolean, caughtUp: { tokens: number; at: number } | undefined): number | undefined {
  const wasCut = useRef(false);
  const isOver = useElapsed(caughtUp?.at, BACK_MS);
  useEffect(() => {
    if (isCut) wasCut.current = true;
    else if (isOver) wasCut.current = false;
  }, [isCut, isOver]);
  return wasCut.current && !isCut && !isOver ? caughtUp?.tokens : undefined;
}

/** Esc, wherever the focus is. */
function useEscape(isWanted: boolean, onEscape: () => unknown): void {
  useEffect(() => {
    if (!isWanted) return undefined;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !isComposing(event)) onEscape();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [isWanted, onEscape]);
}
