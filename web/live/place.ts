import { useSyncExternalStore } from "react";
import type { MouseEvent } from "react";
import { insidePath } from "../base.ts";

/** A page under `/live`. */
export interface LivePlace {
  path: string;
  name: string;
  /** What it is, in one line. */
  line: string;
}

export const PLACES: readonly LivePlace[] = [
  {
    path: "/live/support",
    name: "Support desk",
    line: "A customer in one window, an agent in another: who types, who is here, what is unread.",
  },
  {
    path: "/live/notifications",
    name: "Notifications",
    line: "What is for you alone: read in one tab, read in all.",
  },
  {
    path: "/live/scoreboard",
    name: "Scoreboard",
    line: "Keep the score of a match, and everybody's board follows.",
  },
  {
    path: "/live/ticker",
    name: "Ticker",
    line: "500 symbols, up to 2,000 prices a second, drawn once per frame.",
  },
  {
    path: "/live/operations",
    name: "Operations",
    line: "What this server does at this moment, as it says itself.",
  },
];

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("popstate", listener);
  };
}

/** The path of the page inside of where it is served, without a slash at its end. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => insidePath(location.pathname).replace(/\/$/, ""));
}

/** Follows a link from one live page to another without loading anew, where a plain click asks for that. */
export function onLiveLink(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  goTo(event.currentTarget.pathname);
}

/** Goes to another live page. */
export function goTo(path: string): void {
  history.pushState(null, "", path);
  for (const listener of listeners) listener();
  scrollTo(0, 0);
}
