import { useSyncExternalStore } from "react";
import type { MouseEvent } from "react";
import { addressOf, insidePath } from "./base.ts";

/** Where the page is: at a chat, or at the beginning of a new one. */
export interface Route {
  chat?: string;
  /** What an address proposes to ask: it is written into the box, and never sent. */
  prompt?: string;
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("popstate", listener);
  };
}

/** Reads an address. */
export function readRoute(href: string): Route {
  const { pathname, searchParams } = new URL(href);
  const chat = /^\/c\/([a-z0-9]+)$/.exec(insidePath(pathname))?.[1];
  if (chat !== undefined) return { chat };
  const prompt = searchParams.get("prompt");
  return prompt === null ? {} : { prompt };
}

export function useRoute(): Route {
  return readRoute(useSyncExternalStore(subscribe, () => location.href));
}

export function navigate(path: string): void {
  history.pushState(null, "", path);
  for (const listener of listeners) listener();
  scrollTo(0, 0);
}

/** Follows a link without loading the page anew, where a plain click asks for that. */
export function onLink(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(event.currentTarget.pathname);
}

export function chatPath(chat: string): string {
  return addressOf(`/c/${chat}`);
}
