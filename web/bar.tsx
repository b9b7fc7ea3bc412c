import type { ReactNode, RefObject } from "react";
import { Icon } from "./icons.tsx";
import { More } from "./more.tsx";
import type { MoreProps } from "./more.tsx";
import { onLink } from "./route.ts";

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
      <a className="brand" href="/" onClick={onLink}>
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
      <More {...more} />
    </header>
  );
}
