import { commandKeyId } from "../../chat/chats.ts";
import type { Chats, CommandKey, StartedRun } from "../../chat/chats.ts";
import type { FoundModel } from "../../chat/models.ts";
import type { Log } from "../../log/log.ts";
import type { ChatState } from "../../protocol/chat.ts";
import { sha256 } from "../../protocol/hash.ts";
import { toPrompt } from "./ai-sdk-request.ts";
import type { UiMessage, UiRequest } from "./ai-sdk-request.ts";

/** Who asks, where, and what for. */
export interface UiStart {
  owner: string;
  chat: string;
  request: UiRequest;
  /** The request's Idempotency-Key: by it a stop names what it starts. */
  key: string | undefined;
  /** Who answers instead of a model of the registry. */
  answerer: FoundModel | undefined;
  /** The id of the HTTP request, for logs. */
  requestId: string | undefined;
}

/** What answers: a run that was started, or one that had been before. */
export type UiAnswer = Pick<StartedRun, "message" | "run"> & Partial<Pick<StartedRun, "after">>;

const KEY_TTL_MS = 24 * 3_600_000;

/** Starts what a client of the AI SDK asks for. The same request, sent again, is the same answer: by its key, and a message by its name. */
export function createUiStart({
  chats,
  log,
  now,
}: {
  chats: Chats;
  log: Log;
  now: () => number;
}): (start: UiStart) => Promise<UiAnswer> {
  return async (start) => {
    const { owner, chat, request } = start;
    const { state } = await chats.read(owner, chat);
    return request.trigger === "regenerate" ? regenerate(start, state) : submit(start, request, state);
  };

  async function regenerate(start: UiStart, state: ChatState): Promise<UiAnswer> {
    const { owner, chat, request } = start;
    const answered = await known(owner, state, request.messageId);
    const key = await keyOf(start, "regenerate", start.key, JSON.stringify(["again", request.messageId]));
    return chats.regenerate(
      owner,
      chat,
      { ...commonOf(start), ...(answered !== undefined && { message: answered }) },
      key,
      start.requestId,
    );
  }

  async function submit(
    start: UiStart,
    { text, last, system, before = [], messageId }: Extract<UiRequest, { trigger: "submit" }>,
    state: ChatState,
  ): Promise<UiAnswer> {
    const { owner, chat } = start;
    const settings = { ...commonOf(start), text, ...(system !== undefined && { system }) };
    const edits = await known(owner, state, messageId);
    if (edits !== undefined) {
      const key = await keyOf(start, "messages", start.key, text);
      return chats.send(owner, chat, { ...settings, edits }, key, start.requestId);
    }
    const message = last.id === undefined ? undefined : await nameOf(owner, last.id);
    const key = await keyOf(start, "messages", start.key ?? message, text);
    const former = await answerTo(start, state, message, text, key);
    if (former !== undefined) return former;
    const parent = await parentOf(owner, state, before);
    // The hook's own stop only leaves an answer: who writes on below it wants no more of it.
    const open = state.messages.find(({ id }) => id === state.run?.message);
    const isLeft = open !== undefined && [open.id, open.parent].includes(parent);
    if (isLeft) await chats.stop(owner, chat);
    return chats.send(
      owner,
      chat,
      {
        ...settings,
        // The client tells a conversation that this chat does not hold.
        ...(before.length > 0 && parent === undefined && { told: toPrompt(system, before) }),
        ...(message !== undefined && { message }),
        ...(parent !== undefined && { parent }),
      },
      key,
      start.requestId,
    );
  }

  /** What answers a message that the chat holds already, which was sent with another key: the answer that it has, or another one where that was
   *  broken off. Undefined: it is new. */
  async function answerTo(
    start: UiStart,
    { messages }: ChatState,
    name: string | undefined,
    text: string,
    key: CommandKey | undefined,
  ): Promise<UiAnswer | undefined> {
    const said = messages.find(({ id }) => id === name);
    if (start.key === undefined || said?.role !== "user" || said.text !== text) return undefined;
    const answer = messages.findLast(({ parent, role }) => parent === said.id && role === "assistant");
    if (answer?.role !== "assistant") return undefined;
    // By the same key it is the same, however it ended.
    if (key !== undefined && (await log.key(key.claim.id)) !== undefined) return undefined;
    if (answer.end === undefined || !BROKEN_OFF.has(answer.end.reason))
      return { message: answer.id, run: answer.run };
    const again = await keyOf(start, "regenerate", start.key, text);
    return chats.regenerate(
      start.owner,
      start.chat,
      { ...commonOf(start), message: answer.id },
      again,
      start.requestId,
    );
  }

  async function keyOf(
    { owner, chat }: UiStart,
    command: "messages" | "regenerate",
    text: string | undefined,
    digested: string,
  ): Promise<CommandKey | undefined> {
    if (text === undefined) return undefined;
    const id = commandKeyId(owner, chat, command, text);
    return { text, claim: { id, digest: await sha256(digested), expiresAt: now() + KEY_TTL_MS } };
  }
}

const BROKEN_OFF = new Set(["cancelled", "error", "interrupted"]);

function commonOf({ request, answerer }: UiStart): {
  model?: string;
  answerer?: FoundModel;
} {
  return {
    ...(request.model !== undefined && { model: request.model }),
    ...(answerer !== undefined && { answerer }),
  };
}

/** The message below which a new one stands: the last that stands before it, and that the chat has. Of messages that are out of order it
 *  is the one that comes last in the chat. Undefined: the chat does not hold what is said to be before. */
async function parentOf(
  owner: string,
  state: ChatState,
  before: readonly UiMessage[],
): Promise<string | undefined> {
  const parent = await known(owner, state, before.at(-1)?.id);
  if (parent === undefined) return undefined;
  const below = new Set<string>();
  for (const message of state.messages)
    if (message.parent === parent || below.has(message.parent ?? "")) below.add(message.id);
  // As ever where they are in order.
  if (below.size === 0) return parent;
  const names = new Set(await Promise.all(before.map(({ id }) => known(owner, state, id))));
  return [...below].findLast((id) => names.has(id)) ?? parent;
}

/** The name of a message that the chat holds, under the name that the client has for it. */
async function known(
  owner: string,
  { messages }: ChatState,
  id: string | undefined,
): Promise<string | undefined> {
  if (id === undefined) return undefined;
  const name = await nameOf(owner, id);
  return messages.find((message) => message.id === id || message.id === name)?.id;
}

/** What the client calls a chat or a message, as we name it: it follows from that and the person, so that nobody meets another's. */
export async function nameOf(owner: string, id: string): Promise<string> {
  const digest = await sha256(`${owner} ai-sdk ${id}`);
  return BigInt(`0x${digest.slice(0, 24)}`)
    .toString(36)
    .padStart(19, "0");
}
