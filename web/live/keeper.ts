import { parseCursor } from "millrace/protocol";
import type { Match } from "./match.ts";

/** What a person has done to matches and the stream does not say yet. */
export interface Keeper {
  /** The same object until it changes. */
  getSnapshot: () => KeeperView;
  subscribe: (listener: () => void) => () => void;
  /** Changes a match as it is shown at this moment, shows that at once, and publishes it. `shown`: as the page knows it, where
   *  nothing was done here. */
  change: (shown: Match, how?: (match: Match) => Match) => void;
  remove: (key: string) => void;
  /** Forgets what the stream says by now. `cursor`: the last event that is shown of it. */
  settle: (cursor: string | undefined) => void;
}

export interface KeeperView {
  readonly drafts: ReadonlyMap<string, Draft>;
  /** Why the last change was not taken. */
  readonly error?: string;
}

/** A match as it shall be; undefined: it shall go. */
export interface Draft {
  readonly match: Match | undefined;
  /** Where it stands in the stream, once it was taken. */
  readonly cursor?: string;
}

/** Appends an event to the stream of matches; resolves with its cursor when it is taken. */
export type PublishMatch = (event: object) => Promise<string>;

/** Makes a keeper. Of each match one request is under way; what a person does meanwhile goes as one with the next, so the last
 *  word is the last to arrive. */
export function createKeeper(publish: PublishMatch): Keeper {
  const listeners = new Set<() => void>();
  const sending = new Set<string>();
  let view: KeeperView = { drafts: new Map() };

  function set(next: KeeperView): void {
    view = next;
    for (const listener of listeners) listener();
  }

  function put(key: string, draft: Draft | undefined, error?: string): void {
    const drafts = new Map(view.drafts);
    if (draft === undefined) drafts.delete(key);
    else drafts.set(key, draft);
    set({ drafts, ...(error !== undefined && { error }) });
  }

  function change(key: string, match: Match | undefined): void {
    put(key, { match });
    void send(key);
  }

  async function send(key: string): Promise<void> {
    if (sending.has(key)) return;
    sending.add(key);
    try {
      for (;;) {
        const draft = view.drafts.get(key);
        if (draft === undefined || draft.cursor !== undefined) break;
        const { match } = draft;
        const cursor = await publish(
          match === undefined ? { key, deleted: true } : { type: "score", ...match },
        );
        if (view.drafts.get(key) === draft) put(key, { match, cursor });
      }
    } catch (reason) {
      // What was not taken is not shown as if it were.
      put(key, undefined, reason instanceof Error ? reason.message : String(reason));
    } finally {
      sending.delete(key);
    }
  }

  return {
    getSnapshot: () => view,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    // A second press may come before the page has drawn the first.
    change: (shown, how = (match) => match) =>
      change(shown.key, how(view.drafts.get(shown.key)?.match ?? shown)),
    remove: (key) => change(key, undefined),
    settle(cursor) {
      const shown = cursor === undefined ? undefined : parseCursor(cursor);
      const isShown = (draft: Draft) => {
        const own = draft.cursor === undefined ? undefined : parseCursor(draft.cursor);
        return own !== undefined && shown !== undefined && own.offset <= shown.offset;
      };
      const drafts = [...view.drafts].filter(([, draft]) => !isShown(draft));
      if (drafts.length < view.drafts.size) set({ ...view, drafts: new Map(drafts) });
    },
  };
}

/** The matches of the stream, and in their place what was done here and is not there yet. Pure. */
export function overlay(matches: readonly Match[], drafts: ReadonlyMap<string, Draft>): Match[] {
  const all = new Map(matches.map((match) => [match.key, match]));
  for (const [key, { match }] of drafts) {
    if (match === undefined) all.delete(key);
    else all.set(key, match);
  }
  return [...all.values()];
}
