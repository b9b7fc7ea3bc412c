import { useEffect, useId, useRef } from "react";
import type { ReactNode } from "react";
import { Icon } from "./icons.tsx";

export interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** Something that lies over the page until it is closed: by Esc, by its button, by a click beside it. The browser keeps the
 *  focus inside, and gives it back. */
export function Dialog({ title, onClose, children }: DialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
    // Whoever comes to write begins with that.
    (dialog.current?.querySelector<HTMLElement>("textarea, input[name=key]") ?? dialog.current)?.focus();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      tabIndex={-1}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div className="dialog-body">
        <header className="dialog-head">
          <h2 id={id}>{title}</h2>
          <button
            type="button"
            className="button is-icon"
            aria-label="Close"
            onClick={() => dialog.current?.close()}
          >
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Whether something lies over the page, to which Esc and other keys belong. */
export function isCovered(): boolean {
  return document.querySelector("dialog[open], :popover-open") !== null;
}
