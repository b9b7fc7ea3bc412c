import { FRAME_NAMES, asObject } from "./frame.ts";

/** Who hears what a connection hears. */
export interface Listener {
  /** One block of the stream. */
  onBlock: (name: string, id: string, data: string) => void;
  /** The connection was lost; it is being made anew. */
  onCut: () => void;
  /** The server has nothing for this address any more. */
  onGone: () => void;
  /** The server will not answer this address, and says why. */
  onRefused: (message: string) => void;
}

export interface Connection {
  close: () => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** The server pings every 15 s. A phone can lose a connection without the browser saying so. */
const SILENCE_MS = 40_000;
const LOOK_MS = 5000;

/** Reads a stream with the browser's own EventSource, which comes back by itself after a plain cut.
 *  Two cases are left to this file: a status other than 200 closes an EventSource for good and hides the reason, and a
 *  connection that died in silence. Both end in a new EventSource that goes on after the last id.
 *  Shape: `after` is the cursor to begin after; without it the stream is read from its start.
 *  Done:  never by itself: whoever sees the end closes it. */
export function openConnection(url: string, after: string | undefined, listener: Listener): Connection {
  let cursor = after;
  let failures = 0;
  let heardAt = performance.now();
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const closing = new AbortController();
  const { signal } = closing;

  const place = () => (cursor === undefined ? url : `${url}&last_event_id=${encodeURIComponent(cursor)}`);

  const open = () => {
    clearTimeout(timer);
    timer = undefined;
    heardAt = performance.now();
    const opened = new EventSource(place());
    source = opened;
    const onBlock = (event: MessageEvent<string>) => {
      heardAt = performance.now();
      failures = 0;
      if (event.lastEventId !== "") cursor = event.lastEventId;
      listener.onBlock(event.type, event.lastEventId, event.data);
    };
    opened.addEventListener("message", onBlock);
    for (const name of FRAME_NAMES) opened.addEventListener(name, onBlock);
    opened.addEventListener("error", () => {
      heardAt = performance.now();
      listener.onCut();
      if (opened.readyState === EventSource.CLOSED && source === opened) retryLater();
    });
  };

  const retryLater = () => {
    source?.close();
    source = undefined;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
    failures += 1;
    timer = setTimeout(() => void retry(), wait * (0.75 + Math.random() / 2));
  };

  const retryNow = () => {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    void retry();
  };

  // A plain request first: it can read the status that an EventSource hides.
  const retry = async () => {
    timer = undefined;
    const answer = await ask(place(), signal);
    if (signal.aborted) return;
    if (answer.status === "open") open();
    else if (answer.status === "gone") listener.onGone();
    else if (answer.status === "refused") listener.onRefused(answer.message);
    else retryLater();
  };

  const look = () => {
    if (source === undefined || performance.now() - heardAt < SILENCE_MS) return;
    listener.onCut();
    source.close();
    open();
  };

  const watch = setInterval(look, LOOK_MS);
  addEventListener("online", retryNow, { signal });
  document.addEventListener(
    "visibilitychange",
    () => {
      if (document.visibilityState !== "visible") return;
      retryNow();
      look();
    },
    { signal },
  );
  open();

  return {
    close() {
      closing.abort();
      clearTimeout(timer);
      clearInterval(watch);
      source?.close();
      source = undefined;
    },
  };
}

type Reply =
  | { status: "open" }
  | { status: "gone" }
  | { status: "later" }
  | { status: "refused"; message: string };

async function ask(url: string, signal: AbortSignal): Promise<Reply> {
  const body = new AbortController();
  try {
    const response = await fetch(url, {
      headers: { accept: "text/event-stream" },
      signal: AbortSignal.any([signal, body.signal]),
    });
    if (response.status === 200) return { status: "open" };
    if (response.status === 204) return { status: "gone" };
    const isFinal = response.status < 500 && response.status !== 408 && response.status !== 429;
    return isFinal ? { status: "refused", message: await readMessage(response) } : { status: "later" };
  } catch {
    return { status: "later" }; // No network, or closed: the caller looks at the signal.
  } finally {
    body.abort();
  }
}

async function readMessage(response: Response): Promise<string> {
  const fallback = `The server refused the question with status ${response.status}.`;
  const body = asObject(await response.json().catch(() => undefined));
  const message = asObject(body["error"])["message"] ?? body["message"];
  return typeof message === "string" ? message : fallback;
}
