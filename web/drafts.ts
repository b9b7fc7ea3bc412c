import { createKept } from "./kept.ts";

/** What was written and not sent, per chat; under "new" what would begin one. */
export type Drafts = Record<string, string>;

const kept = createKept("drafts");
/** The oldest are forgotten beyond it. */
const MAX_DRAFTS = 50;
/** What is written is kept when the hands rest so long. */
const REST_MS = 300;

/** Puts a draft among the others, as the youngest; an empty one goes. Pure. */
export function withDraft(drafts: Drafts, chat: string, text: string): Drafts {
  const { [chat]: _former, ...others } = drafts;
  if (text.trim() === "") return others;
  return Object.fromEntries([...Object.entries(others), [chat, text]].slice(-MAX_DRAFTS));
}

export function readDraft(chat: string): string {
  return parseDrafts(kept.get())[chat] ?? "";
}

/** Keeps the draft of one chat: soon, and at the latest when the page is left. */
export interface DraftKeeper {
  write: (text: string) => void;
  /** This was taken by the server: what was written since stays. */
  clear: (sent: string) => void;
  /** Keeps what waits, and ends. */
  close: () => void;
}

export function createDraftKeeper(chat: string): DraftKeeper {
  let waiting: { text: string; timer: ReturnType<typeof setTimeout> } | undefined;

  function keep(text: string): void {
    clearTimeout(waiting?.timer);
    waiting = undefined;
    const drafts = parseDrafts(kept.get());
    if ((drafts[chat] ?? "") !== text) kept.set(JSON.stringify(withDraft(drafts, chat, text)));
  }
  const flush = () => {
    if (waiting !== undefined) keep(waiting.text);
  };
  addEventListener("pagehide", flush);

  return {
    write(text) {
      clearTimeout(waiting?.timer);
      waiting = { text, timer: setTimeout(flush, REST_MS) };
    },
    clear(sent) {
      flush();
      if (readDraft(chat).trim() === sent) keep("");
    },
    close() {
      flush();
      removeEventListener("pagehide", flush);
    },
  };
}

function parseDrafts(text: string | undefined): Drafts {
  try {
    const drafts: unknown = JSON.parse(text ?? "{}");
    if (typeof drafts !== "object" || drafts === null) return {};
    return Object.fromEntries(
      Object.entries(drafts).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  } catch {
    return {}; // What cannot be read was written by nobody we know: the next draft takes its place.
  }
}
