import { backOff, begin, readAnswer } from "./answer-reading.ts";
import type { AnswerSource } from "./answer-reading.ts";
import { Follower } from "./follower.ts";
import type { ChatView } from "./follower.ts";
import { Refusal, refusalOf } from "./refusal.ts";

/** A value, or what gives it, for each request anew. */
type Given<T> = T | (() => T | PromiseLike<T>);

export interface ChatTransportOptions {
  /** Where the chats are. Default `/api/chat`. */
  api?: string;
  /** Sent with each request; a function is asked before each, such as for a token that is valid then. One that fails is asked again, as the
   *  network is. Default: none. */
  headers?: Given<Record<string, string> | Headers>;
  /** Sent with each message, behind what `sendMessage` itself is given. Default: none. */
  body?: Given<object>;
  /** Which cookies go with each request: `include` for an API at another origin. Default: `fetch`'s own, `same-origin`. */
  credentials?: Given<RequestCredentials>;
  fetch?: typeof fetch;
  /** What the hook's `stop()` does: `stop` ends the answer, for everybody; `leave` only stops reading it. Default `stop`, but for a component that
   *  followed the chat and goes: `@ai-sdk/react` 4 calls it then, and means its own reading. */
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
  /** Shows a chat in what `useChat` returned: what it holds, what is being written, and what other tabs and devices send. A page that
   *  nobody sees is shown it once it is seen. Returns how to leave it, for an effect to return. */
  follow(chatId: string, view: ChatView): () => void;
}

const STOP_ATTEMPTS = 10;

/** Makes a transport for `useChat({ transport })` that reads an answer with a cursor.
 *  Errors: what the server refuses, with its words; the network's once it could not be reached for about four minutes. */
export function createChatTransport(options: ChatTransportOptions = {}): MillraceChatTransport {
  const { api = "/api/chat", onStop = "stop", delayMs = backOff } = options;
  const fetchOne = options.fetch ?? ((...args: Parameters<typeof fetch>) => fetch(...args));
  /** Of each chat the last request of this page, so that one that takes the place of another is known. */
  const latest = new Map<string, object>();
  /** By chat: the key of the start that has not ended here yet. */
  const keys = new Map<string, string>();
  /** By chat: how many answers this page reads. */
  const readings = new Map<string, number>();
  const followers = new Map<Follower, string>();

  /** Asks with the headers of this transport, and with `own` before them. */
  async function send(url: string, own: Record<string, string>, init: RequestInit): Promise<Response> {
    const headers = { ...plain(await valueOf(options.headers)), ...own };
    const credentials = await valueOf(options.credentials);
    return fetchOne(url, { ...(credentials && { credentials }), ...init, headers });
  }

  const pathOf = (chat: string) => `${api}/${encodeURIComponent(chat)}`;

  function resume(
    chat: string,
    more: Record<string, string>,
    place: { message?: string | undefined; cursor?: string | undefined },
    signal: AbortSignal,
  ): Promise<Response> {
    const query = place.message === undefined ? "" : `?message=${encodeURIComponent(place.message)}`;
    const last = place.cursor !== undefined && { "last-event-id": place.cursor };
    return send(`${pathOf(chat)}/stream${query}`, { ...more, ...last }, { signal });
  }

  /** Says stop, with the key of what was started here: it may not have arrived. */
  async function stop(chat: string, key = keys.get(chat)): Promise<void> {
    const body = JSON.stringify(key === undefined ? {} : { key });
    for (let attempt = 0; attempt < STOP_ATTEMPTS; attempt++) {
      const init = { method: "POST", body, keepalive: true };
      const response = await send(`${pathOf(chat)}/stop`, JSON_TYPE, init).catch(() => undefined); // the network's: it is tried again
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
      const wasFollowed = isFollowed(chat);
      // The hook also aborts what it resumes anew, and then asks for it at once; and in a component that goes, whose other effects end now.
      setTimeout(() => {
        const isGone = wasFollowed && !isFollowed(chat);
        if (isGone || (key === undefined && latest.get(chat) !== request)) leave();
        // The run is ended before its reader goes. That a stop failed, a reload shows.
        else void stop(chat, key).then(leave, leave);
      });
    };
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener("abort", onAbort);
  }

  const isFollowed = (chat: string) => [...followers.values()].includes(chat);

  /** An answer is read now, or no longer, up to `cursor`. */
  function count(chat: string, change: 1 | -1, cursor?: string): void {
    readings.set(chat, (readings.get(chat) ?? 0) + change);
    if (readings.get(chat) === 0) readings.delete(chat);
    for (const [follower, followed] of followers) if (followed === chat) follower.onReading(cursor);
  }

  function toStream(
    source: AnswerSource,
    left: AbortController,
    onEnd: (cursor: string | undefined) => void,
  ): ReadableStream<never> {
    let cursor: string | undefined;
    return new ReadableStream<never>({
      start(controller) {
        const { signal } = left;
        void readAnswer(source, { signal, delayMs }, (parts, id) => {
          cursor = id;
          // Its chunks are of the version's own type.
          for (const part of parts) controller.enqueue(part as never);
        })
          .finally(() => onEnd(cursor))
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
      const more = plain(request.headers);
      /** Once: what is sent again with its key is the same. */
      let sent: string | undefined;
      const source: AnswerSource = {
        async start() {
          sent ??= JSON.stringify({
            ...(await valueOf(options.body)),
            ...body,
            id: chatId,
            messages,
            trigger,
            messageId,
          });
          const own = { ...JSON_TYPE, ...more, "idempotency-key": key };
          return send(api, own, { method: "POST", body: sent, signal: left.signal });
        },
        resume: (place) => resume(chatId, more, place, left.signal),
      };
      const end = (cursor?: string) => {
        if (keys.get(chatId) === key) keys.delete(chatId);
        count(chatId, -1, cursor);
      };
      count(chatId, 1);
      try {
        const first = await begin(source, { signal: left.signal, delayMs });
        return toStream({ ...source, first }, left, end);
      } catch (error) {
        end();
        throw error;
      }
    },
    async reconnectToStream({ chatId, abortSignal, ...request }) {
      const left = new AbortController();
      latest.set(chatId, request);
      heed(chatId, abortSignal, left, request);
      const more = plain(request.headers);
      const source: AnswerSource = {
        start: () => resume(chatId, more, {}, left.signal),
        resume: (place) => resume(chatId, more, place, left.signal),
      };
      const end = (cursor?: string) => count(chatId, -1, cursor);
      count(chatId, 1);
      try {
        const first = await begin(source, { signal: left.signal, delayMs });
        if (first.status !== 204) return toStream({ ...source, first }, left, end);
      } catch (error) {
        end();
        throw error;
      }
      end();
      return null;
    },
    stop: (chatId) => stop(chatId),
    follow(chatId, view) {
      const follower = new Follower({
        view,
        isReading: () => readings.has(chatId),
        ask: (more, signal) => send(pathOf(chatId), more, { signal }),
        delayMs,
      });
      followers.set(follower, chatId);
      return () => {
        followers.delete(follower);
        follower.leave();
      };
    },
  };
}

const JSON_TYPE = { "content-type": "application/json" };

async function valueOf<T extends object | string>(given: Given<T> | undefined): Promise<T | undefined> {
  return typeof given === "function" ? given() : given;
}

function plain(headers: Record<string, string> | Headers | undefined): Record<string, string> {
  return Object.fromEntries(new Headers(headers));
}

/** Not by `randomUUID`, which pages without TLS have not. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
