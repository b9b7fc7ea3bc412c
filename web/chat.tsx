import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { useChat, useClient, useConnection } from "millrace/react";
import { addressOf } from "./base.ts";
import { Composer } from "./composer.tsx";
import { useCut } from "./cut.ts";
import { isCovered as isPageCovered } from "./dialog.tsx";
import { isComposing } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { Told } from "./instructions.tsx";
import { Message } from "./message.tsx";
import { useModelChoice } from "./model.tsx";
import { useNews } from "./news.ts";
import { onLink } from "./route.ts";
import { createFollower } from "./scroll.ts";
import type { Follower } from "./scroll.ts";
import { StatusLine } from "./status-line.tsx";
import { formatCount, statusOf } from "./words.ts";
import type { Status } from "./words.ts";

export interface ChatProps {
  id: string;
  /** Something lies over it, to which Esc belongs. */
  isCovered: boolean;
  onInstructions: () => void;
}

/** One chat: its messages, the state of things, and the box. */
export function Chat({ id, isCovered, onInstructions }: ChatProps): ReactNode {
  const chat = useChat(id);
  const store = useClient().chat(id);
  const connection = useConnection();
  const [model] = useModelChoice();
  const { follower, isFollowing } = useFollower();
  const { isCut, late } = useCut(connection, chat.caughtUp);
  const last = chat.path.at(-1)?.message;
  const news = useNews(isFollowing, last?.role === "assistant" ? last.text : "");
  const status = statusOf({ chat, connection, isCut, late });

  useEffect(() => {
    document.title = chat.title === undefined || chat.title === "" ? "Millrace" : `${chat.title} · Millrace`;
  }, [chat.title]);
  useEscape(chat.isAnswering && !chat.isStopping && !isCovered, store.stop);

  if (chat.status === "unknown") {
    return (
      <Nothing title="There is no such chat." status={status}>
        <a className="button is-line" href={addressOf("/")} onClick={onLink}>
          Start a new one
        </a>
      </Nothing>
    );
  }
  if (chat.status === "deleted") {
    return (
      <Nothing title="This chat was deleted." status={status}>
        <button type="button" className="button is-line" onClick={() => void store.restore()}>
          Restore it
        </button>
        <a className="button is-plain" href={addressOf("/")} onClick={onLink}>
          Start a new one
        </a>
      </Nothing>
    );
  }
  return (
    <>
      <main className="column">
        <h1 className="unseen">{chat.title ?? "New chat"}</h1>
        <Told system={chat.system} onInstructions={onInstructions} />
        <div className="messages">
          {chat.path.map((step, index) => (
            <Message
              // Of the answers to a message one is shown: the next takes its place, and the focus stays.
              key={step.message.parent ?? ""}
              step={step}
              store={store}
              model={model}
              isLast={index === chat.path.length - 1}
              isBusy={chat.isAnswering && (index === chat.path.length - 1 || step.sending !== undefined)}
              isCut={isCut && chat.run?.message === step.message.id}
            />
          ))}
          {chat.isAnswering && chat.path.at(-1)?.message.role === "user" && (
            <div className="answer" data-state="waiting">
              <div className="prose" aria-busy="true" />
            </div>
          )}
        </div>
      </main>
      <footer className="dock">
        <StatusLine status={status}>
          {!isFollowing && chat.path.length > 0 && (
            <button
              type="button"
              className="button is-line"
              id="latest"
              onClick={() => follower.current?.follow()}
            >
              <Icon name="down" />
              Latest
              {news > 0 && <span className="news">{formatCount(news)} new</span>}
            </button>
          )}
        </StatusLine>
        <Composer
          chat={id}
          isBusy={chat.status === "loading"}
          isAnswering={chat.isAnswering}
          onSend={(text) => {
            follower.current?.follow();
            return store.send(text, { model });
          }}
          isShownAtOnce
          onStop={() => void store.stop()}
          onResize={() => follower.current?.keep()}
        />
      </footer>
    </>
  );
}

interface NothingProps {
  title: string;
  status: Status;
  children: ReactNode;
}

/** In the place of a chat that is not there. */
function Nothing({ title, status, children }: NothingProps): ReactNode {
  return (
    <>
      <main className="column">
        <section className="empty">
          <h1>{title}</h1>
          <p className="nothing-next">{children}</p>
        </section>
      </main>
      <footer className="dock">
        <StatusLine status={status} />
      </footer>
    </>
  );
}

/** Keeps the end in sight, for a reader who is there. */
function useFollower(): { follower: React.RefObject<Follower | undefined>; isFollowing: boolean } {
  const follower = useRef<Follower>(undefined);
  const [isFollowing, setFollowing] = useState(true);
  useLayoutEffect(() => {
    const made = createFollower(() => setFollowing(made.isFollowing));
    follower.current = made;
    // Formulas and colours come a moment after their text, and change its height.
    const observer = new ResizeObserver(() => made.keep());
    observer.observe(document.body);
    return () => {
      observer.disconnect();
      made.close();
    };
  }, []);
  // After the messages have been drawn.
  useLayoutEffect(() => follower.current?.keep());
  return { follower, isFollowing };
}

/** Esc, wherever the focus is. */
function useEscape(isWanted: boolean, onEscape: () => unknown): void {
  useEffect(() => {
    if (!isWanted) return undefined;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !isComposing(event) && !isPageCovered()) onEscape();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [isWanted, onEscape]);
}
