import { pathTo, shownPath } from "../protocol/chat-path.ts";
import type { PathStep } from "../protocol/chat-path.ts";
import { EMPTY_CHAT, foldChat } from "../protocol/chat.ts";
import type { ChatEntry, ChatMessage, ChatState, UserChatMessage } from "../protocol/chat.ts";
import { parseCursor } from "../protocol/cursor.ts";
import type { ChatEvent } from "../protocol/event.ts";
import type { Delivery, Source } from "./delivery.ts";
import { StreamError } from "./error.ts";
import { nextFrame } from "./frame.ts";
import { randomId } from "./id.ts";
import type { Api } from "./request.ts";
import { createStore } from "./store.ts";
import type { Store } from "./store.ts";

export interface ChatStoreOptions {
  source: Source;
  api: Api;
  chat: string;
  /** When what has come is shown. Default: with the next frame. */
  schedule?: (show: () => void) => void;
}

/** What a page shows of a chat. */
export interface ChatView {
  readonly chat: string;
  /** `unknown`: there is none, or it is not ours. `deleted`: it can be restored for 30 s, or is gone. */
  readonly status: "loading" | "ready" | "unknown" | "deleted";
  readonly title?: string;
  readonly system?: string;
  /** The branch that is shown, with what was sent and is not in the chat yet. */
  readonly path: readonly ShownStep[];
  /** The run that is open, in any tab. */
  readonly run?: { run: string; message: string };
  /** An answer is written, or was asked for. */
  readonly isAnswering: boolean;
  readonly isStopping: boolean;
  /** Why the last command failed; gone with the next. */
  readonly error?: StreamError;
  /** How many tokens came late after the connection had been away, and when, in Unix milliseconds. */
  readonly caughtUp?: { tokens: number; at: number };
}

export interface ShownStep extends PathStep {
  /** Of what was sent here: under way, or refused. Absent: it stands in the chat. */
  readonly sending?: { status: "sending" } | { status: "failed"; error: StreamError };
}

export interface MessageOptions {
  model?: string | undefined;
  system?: string | undefined;
}

/** A chat and what can be done with it. It is followed while someone subscribes. A command resolves when the server has taken
 *  it; one that fails stands in `error`, and nothing is lost by sending it again. */
export interface ChatStore extends Store<ChatView> {
  /** Sends a message behind what is shown. True: it was taken. */
  send: (text: string, options?: MessageOptions) => Promise<boolean>;
  /** Says it otherwise, in a branch of its own. */
  edit: (message: string, text: string, options?: MessageOptions) => Promise<boolean>;
  /** Sends again what failed, under its former name. */
  resend: (message: string) => Promise<boolean>;
  /** Forgets what failed. */
  discard: (message: string) => void;
  stop: () => Promise<boolean>;
  /** Another answer to the same message. Default: to the last that is shown. */
  regenerate: (message?: string, options?: MessageOptions) => Promise<boolean>;
  /** Goes on with an answer, in place. Default: the last that is shown. */
  continue: (message?: string, options?: MessageOptions) => Promise<boolean>;
  /** Shows the branch with this message, on this page alone. */
  choose: (message: string) => void;
  update: (settings: { title?: string; system?: string }) => Promise<boolean>;
  delete: () => Promise<boolean>;
  restore: () => Promise<boolean>;
}

interface Sending {
  message: UserChatMessage;
  body: Record<string, unknown>;
  key: string;
  status: NonNullable<ShownStep["sending"]>;
}

interface Starting {
  key: string;
  begun?: { run: string; message: string } | undefined;
}

export function createChatStore(options: ChatStoreOptions): ChatStore {
  const { source, api, chat, schedule = nextFrame } = options;
  const path = `/v1/chats/${chat}`;
  let state: ChatState = EMPTY_CHAT;
  let cursor: string | undefined;
  let isLoaded = false;
  let isGone = false;
  const choices = new Map<string, string>();
  let sendings: readonly Sending[] = [];
  /** Commands that begin an answer, until that stands in the chat. */
  let starting: readonly Starting[] = [];
  let isStopping = false;
  let error: StreamError | undefined;
  let caughtUp: ChatView["caughtUp"];
  let arrived: ChatEntry[] = [];
  let late = 0;
  let isScheduled = false;
  let steps: readonly ShownStep[] = [];
  const store = createStore<ChatView>(view(), run);

  function run(): () => void {
    const unfollow = source.follow(`chats/${chat}`, { after: cursor, kind: "chat", onDelivery: take });
    return () => {
      show();
      unfollow();
    };
  }

  function take(delivery: Delivery): void {
    switch (delivery.type) {
      case "event": {
        const offset = parseCursor(delivery.cursor)?.offset ?? 0;
        cursor = delivery.cursor;
        // The source has checked the stream's name, and only the server writes chats.
        const event = delivery.event as unknown as ChatEvent;
        arrived.push({ offset, event });
        if (delivery.isReplay && isLoaded && event.type === "text-delta") late += event.span ?? 1;
        break;
      }
      case "caught-up":
        if (late > 0) caughtUp = { tokens: late, at: Date.now() };
        late = 0;
        isLoaded = true;
        break;
      case "reset":
        arrived = [];
        state = EMPTY_CHAT;
        cursor = delivery.from;
        break;
      case "end":
        isGone = true;
        break;
    }
    if (isScheduled) return;
    isScheduled = true;
    schedule(show);
  }

  /** Folds what has arrived, and shows it. */
  function show(): void {
    isScheduled = false;
    state = foldChat(state, arrived);
    arrived = [];
    const byId = new Map(state.messages.map((message) => [message.id, message]));
    sendings = sendings.filter(({ message }) => !byId.has(message.id));
    starting = starting.filter(({ begun }) => {
      const answer = begun && byId.get(begun.message);
      return answer?.role !== "assistant" || answer.run !== begun?.run;
    });
    if (state.run === undefined && starting.length === 0) isStopping = false;
    store.set(view());
  }

  function view(): ChatView {
    steps = nextSteps(steps, [...state.messages, ...sendings.map(({ message }) => message)]);
    return {
      chat,
      status: statusOf(),
      path: steps,
      isAnswering: state.run !== undefined || starting.length > 0,
      isStopping,
      ...(state.title !== undefined && { title: state.title }),
      ...(state.system !== undefined && { system: state.system }),
      ...(state.run !== undefined && { run: state.run }),
      ...(error !== undefined && { error }),
      ...(caughtUp !== undefined && { caughtUp }),
    };
  }

  function statusOf(): ChatView["status"] {
    if (isGone && state.offset === 0) return "unknown";
    if (isGone || state.deletedAt !== undefined) return "deleted";
    return isLoaded ? "ready" : "loading";
  }

  /** The steps to show; one that is as it was stays the same object, so that a page need not draw it again. */
  function nextSteps(former: readonly ShownStep[], messages: readonly ChatMessage[]): ShownStep[] {
    return shownPath(messages, choices).map((step, index) => {
      const sending = sendings.find(({ message }) => message === step.message);
      const next: ShownStep = sending === undefined ? step : { ...step, sending: sending.status };
      const before = former[index];
      return before !== undefined && isSameStep(before, next) ? before : next;
    });
  }

  /** Does what a person asked for, and says how it went. */
  async function command(ask: () => Promise<unknown>): Promise<boolean> {
    error = undefined;
    try {
      await ask();
      return true;
    } catch (reason) {
      error = toError(reason);
      return false;
    } finally {
      show();
    }
  }

  /** A command after which an answer is written. */
  async function start(key: string, ask: () => Promise<unknown>): Promise<boolean> {
    const mine: Starting = { key };
    starting = [...starting, mine];
    const done = command(async () => {
      mine.begun = (await ask()) as Starting["begun"]; // the answer's shape: PROTOCOL.md "Chats"
    });
    show();
    const isTaken = await done;
    if (!isTaken) starting = starting.filter((one) => one !== mine);
    show();
    return isTaken;
  }

  async function post(message: UserChatMessage, body: Sending["body"], key = randomId()): Promise<boolean> {
    const sending: Sending = { message, body, key, status: { status: "sending" } };
    sendings = [...sendings.filter((one) => one.message.id !== message.id), sending];
    choices.delete(message.parent ?? "");
    return start(key, async () => {
      try {
        const whole = { ...body, message: message.id, text: message.text };
        return await api.send("POST", `${path}/messages`, whole, { key });
      } catch (reason) {
        const status = { status: "failed", error: toError(reason) } as const;
        sendings = sendings.map((one) => (one === sending ? { ...one, status } : one));
        throw reason;
      }
    });
  }

  function send(text: string, options: MessageOptions = {}): Promise<boolean> {
    const last = steps.findLast(({ sending }) => sending === undefined)?.message.id;
    // What is not read yet the server knows.
    return post(written(text, last), isLoaded ? { ...options, parent: last ?? null } : { ...options });
  }

  function answerAgain(command: "regenerate" | "continue", message?: string, options: MessageOptions = {}) {
    const shown = steps.findLast((step) => step.message.role === "assistant")?.message.id;
    const target = message ?? shown;
    const former = state.messages.find(({ id }) => id === target);
    if (command === "regenerate") choices.delete(former?.parent ?? "");
    const key = randomId();
    const body = { ...options, ...(target !== undefined && { message: target }) };
    return start(key, () => api.send("POST", `${path}/${command}`, body, { key }));
  }

  return {
    getSnapshot: store.getSnapshot,
    subscribe: store.subscribe,
    send,
    edit(message, text, options = {}) {
      const edited = state.messages.find(({ id }) => id === message);
      return post(written(text, edited?.parent), { ...options, edits: message });
    },
    resend(message) {
      const failed = sendings.find((one) => one.message.id === message);
      return failed === undefined ? Promise.resolve(false) : post(failed.message, failed.body, failed.key);
    },
    discard(message) {
      sendings = sendings.filter((one) => one.message.id !== message);
      error = undefined;
      show();
    },
    stop() {
      isStopping = true;
      // What is under way may not have arrived: then it is born stopped.
      const key = state.run === undefined ? starting.at(-1)?.key : undefined;
      const stopped = command(async () => {
        try {
          await api.send("POST", `${path}/stop`, key === undefined ? {} : { key });
        } catch (reason) {
          isStopping = false;
          throw reason;
        }
      });
      show();
      return stopped;
    },
    regenerate: (message, options) => answerAgain("regenerate", message, options),
    continue: (message, options) => answerAgain("continue", message, options),
    choose(message) {
      for (const { id, parent } of pathTo(state.messages, message)) choices.set(parent ?? "", id);
      show();
    },
    update: (settings) => command(() => api.send("PATCH", path, settings)),
    delete: () => command(() => api.send("DELETE", path)),
    restore: () => command(() => api.send("PATCH", path, { deleted: false })),
  };
}

function written(text: string, parent: string | undefined): UserChatMessage {
  const message: UserChatMessage = { role: "user", id: randomId(), text, author: "", at: Date.now() };
  return parent === undefined ? message : { ...message, parent };
}

function isSameStep(a: ShownStep, b: ShownStep): boolean {
  return (
    a.message === b.message &&
    a.sending === b.sending &&
    a.siblings.length === b.siblings.length &&
    a.siblings.every((id, index) => id === b.siblings[index])
  );
}

function toError(reason: unknown): StreamError {
  if (reason instanceof StreamError) return reason;
  throw reason;
}
