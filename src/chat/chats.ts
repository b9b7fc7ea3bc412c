import type { KeyClaim, Log } from "../log/log.ts";
import type { ChatState } from "../protocol/chat.ts";
import { StreamError } from "../protocol/error.ts";
import type { ChatEvent, ChatUpdate, MessageEnd } from "../protocol/event.ts";
import { chatStream } from "../protocol/names.ts";
import type { StreamName } from "../protocol/names.ts";
import { createChatBin } from "./chat-bin.ts";
import { createChatList } from "./chat-list.ts";
import { createChatReader } from "./chat-reader.ts";
import type { ReadChat } from "./chat-reader.ts";
import { createChatSearch } from "./chat-search.ts";
import type { ChatHit } from "./chat-search.ts";
import { createId } from "./id.ts";
import { TITLE_WRITER, createChatTitles } from "./chat-title.ts";
import {
  checkRoom,
  continuationOf,
  findAnswer,
  findCall,
  findMessage,
  parentOf,
  toPrompt,
} from "./chat-turn.ts";
import type { FoundModel, ModelRegistry } from "./models.ts";
import type { PromptMessage } from "./provider.ts";
import type { ChatPlace, StartOutcome } from "./run-start.ts";
import type { DeadRun } from "./run-takeover.ts";
import type { Runner } from "./runner.ts";
import { titleOf } from "./title-text.ts";
import { answered } from "./tool-answer.ts";

/** Conversations: each a stream, of which the chat is the fold. Every command says whose chat it is; another person's is
 *  `chat-unknown` 404. Commands on a deleted chat: `chat-deleted` 410. All answer when what they did is committed. */
export interface Chats {
  /** Errors: `too-many-keys` 409 beyond 10,000 chats. */
  create(owner: string, settings: ChatSettings, key?: KeyClaim): Promise<CreatedChat>;
  read(owner: string, chat: string): Promise<ReadChat>;
  /** Whose a chat is; undefined where there is none. */
  ownerOf(chat: string): Promise<string | undefined>;
  update(owner: string, chat: string, settings: ChatSettings): Promise<void>;
  /** Stops what runs and takes the chat out of the list; it can be restored for 30 seconds, then it is gone. */
  delete(owner: string, chat: string): Promise<void>;
  restore(owner: string, chat: string): Promise<void>;
  /** Adds what a person wrote and starts the answer, in one commit.
   *  Errors: `run-active` 409 while another is written; `message-unknown` 404; `chat-full` 409; those of `Runner.start`. */
  send(
    owner: string,
    chat: string,
    message: NewMessage,
    key?: CommandKey,
    request?: string,
  ): Promise<StartedRun>;
  /** Another answer to the same message; what runs is stopped first. Default: to the last. */
  regenerate(
    owner: string,
    chat: string,
    choice: AnswerChoice,
    key?: CommandKey,
    request?: string,
  ): Promise<StartedRun>;
  /** Goes on with an answer that ended, in place. Default: the last. */
  continue(
    owner: string,
    chat: string,
    choice: AnswerChoice,
    key?: CommandKey,
    request?: string,
  ): Promise<StartedRun>;
  /** Stops what runs and answers with the end that won, also long after. With the key of a start: that one, even if it has
   *  not arrived; then undefined, and it is remembered for 60 seconds.
   *  Errors: `run-unknown` 404 where nothing was ever started. */
  stop(owner: string, chat: string, startKey?: string): Promise<MessageEnd | undefined>;
  /** Answers a call of a tool that waits for a person. The first answer holds; the same again changes nothing.
   *  Errors: `call-unknown` 404; `call-answered` 409 where it does not wait; `run-ended` 409. */
  answerCall(
    owner: string,
    chat: string,
    call: string,
    answer: { approved: boolean; reason?: string },
  ): Promise<"answered" | "repeated">;
  search(owner: string, words: string): Promise<ChatHit[]>;
  /** Takes over what dead processes left open in chats, or ends it as `interrupted`. Returns how many runs were ended. */
  recover(): Promise<number>;
  close(): void;
}

export interface ChatSettings {
  title?: string;
  /** What the model is told before everything else; empty: nothing. */
  system?: string;
  /** A name for it. Default: one of ours. What exists already is answered as it is. */
  chat?: string;
}

export interface CreatedChat {
  status: "created" | "replayed";
  chat: string;
  stream: StreamName;
}

export interface NewMessage {
  text: string;
  /** A name that the sender gives it. Default: one of ours. */
  message?: string;
  model?: string;
  /** Who answers instead of a model of the registry. */
  answerer?: FoundModel;
  /** The message that it answers; null: none. Default: the last of the newest branch. */
  parent?: string | null;
  /** What the model is told before it, by one who knows a conversation that is not in this chat. Default: the branch above. */
  told?: readonly PromptMessage[];
  /** The message that it takes the place of, in a branch of its own; what runs is stopped first. */
  edits?: string;
  system?: string;
}

export interface AnswerChoice {
  message?: string;
  model?: string;
  /** Who answers instead of a model of the registry; only to another answer. */
  answerer?: FoundModel;
}

/** An Idempotency-Key: what it claims, and its own text, by which a stop names it. */
export interface CommandKey {
  claim: KeyClaim;
  text: string;
}

export type StartedRun = Omit<StartOutcome, "ended"> & { user?: string };

/** How the commands of a chat scope their keys. */
export function commandKeyId(owner: string, chat: string, command: string, key: string): string {
  return `${owner} POST /v1/chats/${chat}/${command} ${key}`;
}

const STOP_TTL_MS = 60_000;
const STARTING_COMMANDS = ["messages", "regenerate", "continue"];
const ID = /^[a-z0-9]{8,32}$/;

export interface ChatsOptions {
  /** Whose models may be asked for a chat's title, a short call each. Default: none is asked. */
  titleModels?: ModelRegistry | undefined;
  /** Unix milliseconds. Default `Date.now`. */
  now?: () => number;
}

export function createChats(
  log: Log,
  runner: Runner,
  { titleModels, now = Date.now }: ChatsOptions = {},
): Chats {
  const reader = createChatReader(log);
  const list = createChatList(log, reader);
  const search = createChatSearch(log, reader);
  const titles = createChatTitles({
    log,
    reader,
    models: titleModels,
    now,
    onTitle: (chat) => list.publishSoon(chat),
  });
  const bin = createChatBin(log, {
    now,
    isDeleted: async (chat) => (await reader.read(chat))?.state.deletedAt !== undefined,
    onGone: (chat) => reader.forget(chat),
  });

  let isBinRecovered = false;

  async function find(owner: string, chat: string): Promise<ReadChat> {
    const read = ID.test(chat) ? await reader.read(chat) : undefined;
    if (read !== undefined && read.state.owner === owner) return read;
    throw new StreamError("chat-unknown", `There is no chat ${JSON.stringify(chat.slice(0, 60))}.`);
  }

  async function findLive(owner: string, chat: string): Promise<ReadChat> {
    const read = await find(owner, chat);
    if (read.state.deletedAt === undefined) return read;
    throw new StreamError("chat-deleted", "This chat was deleted. Restore it first.");
  }

  async function append(chat: string, update: Omit<ChatUpdate, "type" | "at">): Promise<void> {
    const event: ChatUpdate = { type: "chat-update", ...update, at: now() };
    if (event.title === undefined) await log.append(chatStream(chat), [{ data: JSON.stringify(event) }]);
    else await titles.give(chat, event);
    await list.publish(chat);
  }

  /** Starts a run in a chat; `prepare` is asked only where no former request with this key has started it. */
  async function start(
    owner: string,
    chat: string,
    { key, request }: { key: CommandKey | undefined; request: string | undefined },
    prepare: (state: ChatState) => Promise<PreparedRun>,
  ): Promise<StartedRun> {
    const { state } = await findLive(owner, chat);
    const isKnown = key !== undefined && (await log.key(key.claim.id)) !== undefined;
    const { model, answerer, messages, place }: PreparedRun = isKnown
      ? { messages: [] }
      : await prepare(state);
    const { ended, ...started } = await runner.start({
      messages,
      owner,
      ...(model !== undefined && { model }),
      ...(answerer !== undefined && { answerer }),
      ...(key !== undefined && { key: key.claim }),
      request,
      chat: {
        ...place,
        stream: chatStream(chat),
        owner,
        ...(key !== undefined && { stopKey: stopKeyId(owner, chat, key.text) }),
      },
    });
    titles.letGo(chat);
    list.publishSoon(chat);
    void ended.then(() => afterAnswer(chat));
    return started;
  }

  function afterAnswer(chat: string): Promise<void> {
    list.publishSoon(chat);
    return titles.afterAnswer(chat);
  }

  /** An answer whose process is gone, as whoever goes on with it wants to know it. */
  function deadAnswer(
    chat: string,
    state: ChatState,
    { run, message }: NonNullable<ChatState["run"]>,
  ): Pick<DeadRun, "message" | "model" | "messages" | "said" | "readSaid"> {
    const said = findAnswer(state, message);
    return {
      message,
      model: said.model,
      messages: toPrompt(state, said.parent),
      said,
      async readSaid() {
        const read = await reader.read(chat);
        return read?.state.run?.run === run ? findAnswer(read.state, message) : undefined;
      },
    };
  }

  async function stopOpen(chat: string, { run }: ChatState): Promise<void> {
    if (run === undefined) return;
    await runner.endInChat(run.run, { stream: chatStream(chat), message: run.message }, "cancelled");
  }

  async function send(
    owner: string,
    chat: string,
    { text, message = createId(), model, answerer, parent, told, edits, system }: NewMessage,
    key?: CommandKey,
    request?: string,
  ): Promise<StartedRun> {
    const started = await start(owner, chat, { key, request }, async (state) => {
      const edited = edits === undefined ? undefined : findMessage(state, edits, "user");
      const above = edited === undefined ? parentOf(state, parent) : edited.parent;
      if (state.messages.some(({ id }) => id === message)) {
        throw new StreamError("invalid-request", `message: ${message} is taken. Send a new name, or none.`);
      }
      checkRoom(state, 2);
      if (edited !== undefined) await stopOpen(chat, state);
      const at = now();
      const update: ChatUpdate = { type: "chat-update", at };
      if (state.title === undefined) update.title = titleOf(text);
      if (system !== undefined && system !== (state.system ?? "")) update.system = system;
      const user: ChatEvent = { type: "user-message", message, text, author: owner, at };
      if (above !== undefined) user.parent = above;
      const hasUpdate = update.title !== undefined || update.system !== undefined;
      return {
        model,
        answerer,
        messages: [...(told ?? toPrompt(state, above, system)), { role: "user", text }],
        place: { before: hasUpdate ? [update, user] : [user], parent: message },
      };
    });
    return { ...started, user: await userOf(chat, started.message) };
  }

  async function userOf(chat: string, message: string): Promise<string> {
    const read = await reader.read(chat);
    return read?.state.messages.find(({ id }) => id === message)?.parent ?? "";
  }

  async function stop(
    owner: string,
    chat: string,
    startKey: string | undefined,
  ): Promise<MessageEnd | undefined> {
    await findLive(owner, chat);
    const started = startKey === undefined ? undefined : await rememberStop(owner, chat, startKey);
    const { state } = await findLive(owner, chat);
    const last = state.messages.findLast((message) => message.role === "assistant");
    const found = started ?? state.run ?? (last && { run: last.run, message: last.id });
    if (startKey !== undefined && started === undefined) return undefined;
    if (found === undefined) {
      throw new StreamError("run-unknown", "Nothing was started in this chat that could be stopped.");
    }
    const { run, message } = found;
    const won = await runner.endInChat(run, { stream: chatStream(chat), message }, "cancelled");
    list.publishSoon(chat);
    return won ?? endOf(chat, run, message);
  }

  /** Says in the log that the start with this key is to be stopped. Whoever starts looks for it after the start, and this looks
   *  for the start afterwards: one of the two sees the other. */
  async function rememberStop(
    owner: string,
    chat: string,
    key: string,
  ): Promise<{ run: string; message: string } | undefined> {
    await log.append(chatStream(chat), [], {
      key: { id: stopKeyId(owner, chat, key), digest: "stop", expiresAt: now() + STOP_TTL_MS },
    });
    for (const command of STARTING_COMMANDS) {
      const record = await log.key(commandKeyId(owner, chat, command, key));
      if (record?.note !== undefined) return JSON.parse(record.note) as { run: string; message: string };
    }
    return undefined;
  }

  /** The end that a run had. */
  async function endOf(chat: string, run: string, message: string): Promise<MessageEnd> {
    const read = await reader.read(chat);
    const found = read?.state.messages.findLast((one) => one.id === message);
    if (found?.role !== "assistant") throw new Error(`the run ${run} wrote no message`);
    // Continued since: that run was stopped before, by its end.
    return {
      type: "message-end",
      message,
      run,
      ...(found.run === run && found.end !== undefined ? found.end : { reason: "cancelled" as const }),
    };
  }

  return {
    async create(owner, { title, system, chat: named }, key) {
      if (named !== undefined && (await reader.read(named)) !== undefined) {
        await find(owner, named);
        return { status: "replayed", chat: named, stream: chatStream(named) };
      }
      const id = named ?? createId();
      const event: ChatUpdate = { type: "chat-update", owner, at: now() };
      if (title !== undefined) event.title = title;
      if (system !== undefined) event.system = system;
      const outcome = await log.append(chatStream(id), [{ data: JSON.stringify(event) }], {
        create: { kind: "chat" },
        ...(title !== undefined && { endsWriter: TITLE_WRITER }),
        ...(key && { key }),
      });
      if (outcome.status === "key-reused") {
        throw new StreamError(
          "key-reused",
          "This Idempotency-Key was used with another body. Send a new key with a new request.",
        );
      }
      const stream = outcome.status === "replayed" ? outcome.record.stream : chatStream(id);
      const chat = stream.slice("chats/".length);
      try {
        await list.publish(chat);
      } catch (error) {
        if (!(error instanceof StreamError) || error.isRetryable) throw error;
        await log.delete(stream);
        throw new StreamError("too-many-keys", "You have as many chats as can be kept. Delete some first.");
      }
      return { status: outcome.status === "replayed" ? "replayed" : "created", chat, stream };
    },
    read: find,
    ownerOf: async (chat) => (ID.test(chat) ? (await reader.read(chat))?.state.owner : undefined),
    async update(owner, chat, settings) {
      await findLive(owner, chat);
      await append(chat, settings);
    },
    async delete(owner, chat) {
      const { state } = await find(owner, chat);
      if (state.deletedAt !== undefined) return;
      await stopOpen(chat, state);
      await append(chat, { deletedAt: now() });
      await bin.put(chat);
    },
    async restore(owner, chat) {
      const { state } = await find(owner, chat);
      if (state.deletedAt === undefined) return;
      await bin.take(chat);
      await append(chat, { deletedAt: null });
    },
    send,
    regenerate: (owner, chat, { message, model, answerer }, key, request) =>
      start(owner, chat, { key, request }, async (state) => {
        const former = findAnswer(state, message);
        checkRoom(state, 1);
        await stopOpen(chat, state);
        const place = former.parent === undefined ? {} : { parent: former.parent };
        return { model, answerer, messages: toPrompt(state, former.parent), place };
      }),
    continue: (owner, chat, { message, model }, key, request) =>
      start(owner, chat, { key, request }, (state) => {
        const former = findAnswer(state, message);
        const { messages, tail } = continuationOf(former);
        return Promise.resolve({
          model: model ?? former.model,
          messages: [...toPrompt(state, former.parent), ...messages],
          place: { continues: { message: former.id, text: former.text, tail } },
        });
      }),
    stop,
    async answerCall(owner, chat, call, answer) {
      const { state } = await findLive(owner, chat);
      const { message, part } = findCall(state, call);
      if (part.approved === answer.approved) return "repeated";
      if (part.approved === undefined && message.end !== undefined)
        throw new StreamError("run-ended", "The answer with this call has ended. Continue it, or ask again.");
      if (part.state !== "approval-request") throw answered();
      const place = { stream: chatStream(chat), message: message.id };
      return runner.answerCall(place, { call, ...answer, person: owner });
    },
    search: (owner, words) => search.find(owner, words),
    async recover() {
      const writers = await (log.deadWriters?.() ?? log.openWriters());
      const ended = await Promise.all(
        writers.map(async ({ id, epoch, stream }) => {
          const chat = stream.startsWith("chats/") ? stream.slice("chats/".length) : undefined;
          const read = chat === undefined ? undefined : await reader.read(chat);
          const run = read?.state.run;
          if (chat === undefined || read === undefined || run?.run !== id) return false;
          const dead = { id, epoch, stream, ...deadAnswer(chat, read.state, run) };
          // What a dead process did with its tools is not known: a person says whether it goes on.
          const hasParts = findAnswer(read.state, run.message).parts !== undefined;
          const outcome = hasParts ? ({ status: "refused" } as const) : await runner.takeOver(dead);
          if (outcome.status === "taken") void outcome.ended.then(() => afterAnswer(chat));
          if (outcome.status !== "refused") return false;
          await runner.endInChat(id, { stream, message: run.message }, "interrupted");
          await list.publish(chat);
          return true;
        }),
      );
      const recovered = ended.filter(Boolean).length;
      if (!isBinRecovered) await bin.recover();
      isBinRecovered = true;
      return recovered;
    },
    close() {
      titles.close();
      list.close();
      bin.close();
    },
  };
}

interface PreparedRun {
  model?: string | undefined;
  answerer?: FoundModel | undefined;
  messages: PromptMessage[];
  place?: Omit<ChatPlace, "stream" | "stopKey">;
}

function stopKeyId(owner: string, chat: string, key: string): string {
  return `stop ${owner} ${chat} ${key}`;
}
