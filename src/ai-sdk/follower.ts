import { createParser } from "eventsource-parser";
import { isForTheMoment, refusalOf, Refusal } from "./refusal.ts";

/** Where a chat is shown: what `useChat` returns has both. */
export interface ChatView {
  setMessages(messages: never[]): void;
  resumeStream(): Promise<void>;
}

export interface FollowerOptions {
  view: ChatView;
  /** Whether the page reads an answer of the chat by itself at this moment. */
  isReading(): boolean;
  /** Asks for the chat. */
  ask(headers: Record<string, string>, signal: AbortSignal): Promise<Response>;
  delayMs: (attempt: number) => number;
}

/** What changes what a chat shows. Answers that this page reads by itself are none of it. */
const NEWS = new Set(["user-message", "message-start", "message-continue", "message-end"]);

/** Shows what a chat holds, and what others write in it. While the page itself reads an answer, or nobody sees it, no connection is held.
 *  End: by `leave`, and with what the server refuses. */
export class Follower {
  readonly #options: FollowerOptions;
  /** Up to where the chat is shown. */
  #cursor: string | undefined;
  #isShown = false;
  #isLeft = false;
  /** Aborted by whatever changes what is to be done. */
  #turn = new AbortController();

  constructor(options: FollowerOptions) {
    this.#options = options;
    globalThis.document?.addEventListener("visibilitychange", this.#next);
    void this.#run();
  }

  leave(): void {
    this.#isLeft = true;
    globalThis.document?.removeEventListener("visibilitychange", this.#next);
    this.#next();
  }

  /** The page begins or ends to read an answer. `cursor`: of the last part that it read. */
  onReading(cursor?: string): void {
    this.#cursor = cursor ?? this.#cursor;
    this.#next();
  }

  #next = (): void => {
    this.#turn.abort();
  };

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#isLeft;) {
      this.#turn = new AbortController();
      const { signal } = this.#turn;
      try {
        if (this.#options.isReading() || globalThis.document?.visibilityState === "hidden")
          await aborted(signal);
        else if (!this.#isShown) await this.#show(signal);
        else if (await this.#hear(signal, () => (attempt = 0))) this.#isShown = false;
        else await this.#pause(attempt++, signal);
      } catch (error) {
        if (error instanceof Refusal) return this.leave();
        // The network's: it is tried again.
        await this.#pause(attempt++, signal);
      }
    }
  }

  /** Shows what there is, and lets the page read what is being written. */
  async #show(signal: AbortSignal): Promise<void> {
    const response = await this.#options.ask({}, signal);
    if (response.status === 404) {
      // It is new: its first message may come from elsewhere.
      this.#cursor = undefined;
      this.#isShown = true;
      return;
    }
    const { messages, cursor } = (await (await checked(response)).json()) as {
      messages: never[];
      cursor: string;
    }; // our own server's
    signal.throwIfAborted();
    this.#cursor = cursor;
    this.#isShown = true;
    this.#options.view.setMessages(messages);
    await this.#options.view.resumeStream();
  }

  /** Waits for something new. False: the connection ended before. */
  async #hear(signal: AbortSignal, onAlive: () => void): Promise<boolean> {
    const last = this.#cursor !== undefined && { "last-event-id": this.#cursor };
    const headers = { accept: "text/event-stream", ...last };
    const response = await checked(await this.#options.ask(headers, signal));
    let isNews = false;
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        onAlive();
        isNews ||= event === "stream-reset" || (event === undefined && NEWS.has(typeOf(data)));
        if (!isNews) this.#cursor = id ?? this.#cursor;
      },
    });
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    for (let chunk = await reader?.read(); chunk?.done === false; chunk = await reader?.read()) {
      parser.feed(decoder.decode(chunk.value, { stream: true }));
      if (!isNews) continue;
      await reader?.cancel();
      return true;
    }
    return false;
  }

  async #pause(attempt: number, signal: AbortSignal): Promise<void> {
    const passed = new Promise((resolve) => setTimeout(resolve, this.#options.delayMs(attempt)));
    await Promise.race([aborted(signal), passed]);
  }
}

/** Errors: `Refusal`; a plain one where it may succeed later. */
async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  if (await isForTheMoment(response)) throw new Error(`The server answers ${response.status}.`);
  throw await refusalOf(response);
}

function typeOf(data: string): string {
  return (JSON.parse(data) as { type: string }).type; // our own server's
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
