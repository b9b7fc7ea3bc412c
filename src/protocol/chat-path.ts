import type { ChatMessage } from "./chat.ts";

/** One place of the branch that is shown. */
export interface PathStep {
  message: ChatMessage;
  /** The messages with the same parent, oldest first, this one among them. */
  siblings: readonly string[];
}

/** The messages from the first to this one, each the parent of the next. Empty if there is no such message. */
export function pathTo(messages: readonly ChatMessage[], id: string | undefined): ChatMessage[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const path: ChatMessage[] = [];
  // A parent stands before its children, so this ends; the bound is for what never should come.
  for (let at = id; at !== undefined && path.length <= messages.length; at = byId.get(at)?.parent) {
    const message = byId.get(at);
    if (message === undefined) break;
    path.push(message);
  }
  return path.toReversed();
}

/** The branch that is shown: at each fork what was chosen, else the newest.
 *  Shape: `choices` has, per parent ("" for the first messages), the child that was chosen. */
export function shownPath(
  messages: readonly ChatMessage[],
  choices: ReadonlyMap<string, string> = new Map(),
): PathStep[] {
  const children = new Map<string, ChatMessage[]>();
  for (const message of messages) {
    const parent = message.parent ?? "";
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [message]);
    else siblings.push(message);
  }
  const path: PathStep[] = [];
  for (let at = ""; ;) {
    const forks = children.get(at) ?? [];
    const chosen = choices.get(at);
    const message = forks.find(({ id }) => id === chosen) ?? forks.at(-1);
    if (message === undefined || path.length > messages.length) return path;
    path.push({ message, siblings: forks.map(({ id }) => id) });
    at = message.id;
  }
}
