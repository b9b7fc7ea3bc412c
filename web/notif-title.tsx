import type { MouseEvent, ReactNode } from "react";

export interface NotifTitleProps {
  title: string;
  href: string | undefined;
  /** Marks it as read. */
  onRead: () => Promise<void>;
}

/** A page that does not answer holds nobody up for longer. */
const MAX_WAIT_MS = 1_000;

/** The title of a notification. One that leads elsewhere is read by being followed: the page is left when that was said. */
export function NotifTitle({ title, href, onRead }: NotifTitleProps): ReactNode {
  function follow(event: MouseEvent<HTMLAnchorElement>): void {
    const said = onRead();
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const { href } = event.currentTarget;
    void Promise.race([said, new Promise((resolve) => setTimeout(resolve, MAX_WAIT_MS))]).then(() =>
      location.assign(href),
    );
  }
  if (href === undefined) return title;
  return (
    <a href={href} rel="noreferrer" onClick={follow} onAuxClick={() => void onRead()}>
      {title}
    </a>
  );
}
