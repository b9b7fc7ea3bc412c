import { backOff, begin, readAnswer } from "./answer-reading.ts";
import type { AnswerSource } from "./answer-reading.ts";
import { Refusal, refusalOf } from "./refusal.ts";

export interface ChatTransportOptions {
  /** Where the chats are. Default `/api/chat`. */
  api?: string;
  /** Sent with each request. Default: none. */
  headers?: Record<string, string>;
  fetch?: typeof fetch;
  /** What the hook's `stop()` does: `stop` ends the answer, for everybody; `leave` only stops reading it. Default `stop`. */
  onStop?: "stop" | "leave";
  /** Between two attempts to go on with an answer, in milliseconds. Default: 250, doubled up to 5,000, and half of it by chance. */
  delayMs?: (attempt: number) => number;
}

/** What `useChat` hands to its transport, as far as it is read here. */
export interface SendRequest {
  trigger: "submit-message" | "regenerate-message";
  chatId: string;
  messageId: string | undefined;
  messages: readonly object[];
  abortSignal: AbortSignal | undefined;
  headers?: Record<string, string> | Headers;
  body?: object;
}

/** A `ChatTransport` of the AI SDK, of version 6 and 7: its chunks are of whatever type that version has. */
export interface MillraceChatTransport {
  /** What is resumed comes from its beginning. */
  readonly resumeStreamIsReplay: true;
  /** Goes on by itself after a cut, from the last part that came. */
  sendMessages(request: SendRequest): Promise<ReadableStream<never>>;
  /** Null: nothing is being written. */
  reconnectToStream(request: {
    chatId: string;
    abortSignal?: AbortSignal | undefined;
    headers?: Record<string, string> | Headers;
  }): Promise<ReadableStream<never> | null>;
  /** Ends what is written in a chat, for everybody. Resolves when it has ended, or never began. */
  stop(chatId: string): Promise<void>;
}

const STOP_ATTEMPTS = 10;

/** Makes a transport for `useChat({ transport })` that reads an answer with a cursor.
 *  Errors: what the server refuses, with its words; the network's once it could not be reached for about four minutes. */
export function createChatTransport(options: ChatTransportOptions = {}): MillraceChatTransport {
  const { api = "/api/chat", headers = {}, onStop = "stop", delayMs = backOff } = options;
  const send = options.fetch ?? ((...args: Parameters<typeof fetch>) => fetch(...args));
  const json = { ...headers, "content-type": "application/json" };
  /** Of each chat the last request of this page, so that one that takes the place of another is known. */
  const latest = new Map<string, object>();
  /** By chat: the key of the start that has not ended here yet. */
  const keys = new Map<string, string>();

  const pathOf = (chat: string, command: string) => `${api}/${encodeURIComponent(chat)}/${command}`;

  function resume(
    chat: string,
    more: object,
    place: { message?: string | undefined; cursor?: string | undefined },
    signal: AbortSignal,
  ): Promise<Response> {
    const query = place.message === undefined ? "" : `?message=${encodeURIComponent(place.message)}`;
    const last = place.cursor !== undefined && { "last-event-id": place.cursor };
    return send(pathOf(chat, "stream") + query, { headers: { ...headers, ...more, ...last }, signal });
  }

  /** Says stop, with the key of what was started here: it may not have arrived. */
  async function stop(chat: string, key = keys.get(chat)): Promise<void> {
    const body = JSON.stringify(key === undefined ? {} : { key });
    for (let attempt = 0; attempt < STOP_ATTEMPTS; attempt++) {
      const response = await send(pathOf(chat, "stop"), {
        method: "POST",
        headers: json,
        body,
        keepalive: true,
      }).catch(() => undefined); // the network's: it is tried again
      // Where there is nothing to stop, it has stopped.
      if (response?.ok === true || response?.status === 404) return;
      if (response !== undefined && response.status < 500) throw await refusalOf(response);
      await new Promise((resolve) => setTimeout(resolve, delayMs(attempt)));
    }
    throw new Refusal("The server could not be reached, so the answer may go on.");
  }

  /** Ends or leaves what is read when the hook says so. */
  function heed(
    chat: string,
    signal: AbortSignal | undefined,
    left: AbortController,
    request: object,
    key?: string,
  ): void {
    const leave = () => left.abort(signal?.reason);
    const onAbort = () => {
      if (onStop === "leave") return leave();
      // The hook also aborts what it resumes anew, and then asks for it at once.
      setTimeout(() => {
        if (key === undefined && latest.get(chat) !== request) leave();
        // The run is ended before its reader goes. That a stop failed, a reload shows.
        else void stop(chat, key).then(leave, leave);
      });
    };
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener("abort", onAbort);
  }

  function follow(source: AnswerSource, left: AbortController, onEnd?: () => void): ReadableStream<never> {
    return new ReadableStream<never>({
      start(controller) {
        const { signal } = left;
        // Its chunks are of the version's own type.
        void readAnswer(source, { signal, delayMs }, (part) => controller.enqueue(part as never))
          .finally(onEnd)
          .then(
            () => controller.close(),
            (error: unknown) => controller.error(error),
          );
      },
      cancel: () => left.abort(),
    });
  }

  return {
    resumeStreamIsReplay: true,
    async sendMessages({ chatId, messages, trigger, messageId, abortSignal, body, ...request }) {
      const left = new AbortController();
      const key = randomKey();
      latest.set(chatId, request);
      keys.set(chatId, key);
      heed(chatId, abortSignal, left, request, key);
      const more = Object.fromEntries(new Headers(request.headers));
      const init = {
        method: "POST",
        headers: { ...json, ...more, "idempotency-key": key },
        body: JSON.stringify({ ...body, id: chatId, messages, trigger, messageId }),
        signal: left.signal,
      };
      const source: AnswerSource = {
        // Sent again with its key, it is the same answer.
        start: () => send(api, init),
        resume: (place) => resume(chatId, more, place, left.signal),
      };
      const forget = () => {
        if (keys.get(chatId) === key) keys.delete(chatId);
      };
      try {
        const first = await begin(source, { signal: left.signal, delayMs });
        return follow({ ...source, first }, left, forget);
      } catch (error) {
        forget();
        throw error;
      }
    },
    async reconnectToStream({ chatId, abortSignal, ...request }) {
      const left = new AbortController();
      latest.set(chatId, request);
      heed(chatId, abortSignal, left, request);
      const more = Object.fromEntries(new Headers(request.headers));
      const source: AnswerSource = {
        start: () => resume(chatId, more, {}, left.signal),
        resume: (place) => resume(chatId, more, place, left.signal),
      };
      const first = await source.start();
      if (first.status === 204) return null;
      if (!first.ok) throw await refusalOf(first);
      return follow({ ...source, first }, left);
    },
    stop: (chatId) => stop(chatId),
  };
}

/** Not by `randomUUID`, which pages without TLS have not. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
