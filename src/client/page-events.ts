/** The part of a window and its document by which a page lives, sleeps and returns. */
export interface PageTargets {
  window?: EventTarget | undefined;
  document?: (EventTarget & { readonly visibilityState?: string }) | undefined;
}

export type PageEvent = "online" | "visible" | "resumed" | "suspended";

/** Tells when a page sleeps and returns; returns what ends it. `pagehide` alone is not enough: a phone that changes the app
 *  only hides the page, or freezes it. Where there is no page, nothing is told. */
export function watchPage(targets: PageTargets, onEvent: (event: PageEvent) => void): () => void {
  const { window, document } = findPage(targets);
  const stops: (() => void)[] = [];

  function on(target: EventTarget | undefined, type: string, event: PageEvent): void {
    const listener = () => {
      if (event !== "visible" || document?.visibilityState === "visible") onEvent(event);
    };
    target?.addEventListener(type, listener);
    stops.push(() => target?.removeEventListener(type, listener));
  }

  on(window, "online", "online");
  on(window, "pageshow", "resumed");
  on(window, "pagehide", "suspended");
  on(document, "resume", "resumed");
  on(document, "freeze", "suspended");
  on(document, "visibilitychange", "visible");
  return () => {
    for (const stop of stops) stop();
  };
}

/** The page's own window and document where none are handed in. */
export function findPage({ window, document }: PageTargets): PageTargets {
  // Node has neither, whatever the types of the DOM say.
  const here: { window?: EventTarget; document?: Document } = globalThis;
  return { window: window ?? here.window, document: document ?? here.document };
}
