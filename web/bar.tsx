import { Suspense, useState } from "react";
import type { ReactNode, RefObject } from "react";
import { useConnection } from "millrace/react";
import { addressOf } from "./base.ts";
import { Icon } from "./icons.tsx";
import { lazyPart } from "./lazy-part.ts";
import { More } from "./more.tsx";
import type { MoreProps } from "./more.tsx";
import { onLink } from "./route.ts";

// Nobody has to wait for it with a question, and it does not knock at a server that cannot be reached or refuses.
const Bell = lazyPart(async () => (await import("./bell.tsx")).Bell);

export interface BarProps extends MoreProps {
  /** The button that brings the list, where that is a drawer. */
  menu: RefObject<HTMLButtonElement | null>;
  isListOpen: boolean;
  onMenu: () => void;
  isWireOpen: boolean;
  onWire: () => void;
}

/** The top of the page, which stays there: where one is, and what can be shown beside it. */
export function Bar({ menu, isListOpen, onMenu, isWireOpen, onWire, ...more }: BarProps): ReactNode {
  const { status } = useConnection();
  const [wasOpen, setWasOpen] = useState(false);
  if (status === "open" && !wasOpen) setWasOpen(true);
  return (
    <header className="bar">
      <button
        ref={menu}
        type="button"
        className="button is-icon menu"
        aria-label="Chats"
        aria-expanded={isListOpen}
        onClick={onMenu}
      >
        <Icon name="menu" />
      </button>
      <a className="brand" href={addressOf("/")} onClick={onLink}>
        <Icon name="logo" />
        Millrace
      </a>
      <button
        type="button"
        className="button is-plain"
        id="show-wire"
        aria-expanded={isWireOpen}
        aria-controls={isWireOpen ? "wire" : undefined}
        onClick={onWire}
      >
        <Icon name="wire" />
        Wire
      </button>
      <Suspense fallback={<span className="button is-icon" />}>
        {wasOpen ? <Bell /> : <span className="button is-icon" />}
      </Suspense>
      <More {...more} />
    </header>
  );
}
