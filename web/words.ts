import type { ChatView, ConnectionView, StreamError } from "millrace/client";
import type { AssistantChatMessage } from "millrace/protocol";

/** What the status line says. `wait` is for what is caught between, `bad` for what is broken or refused. */
export interface Status {
  text: string;
  tone: "quiet" | "wait" | "bad";
}

/** What is known at a moment. */
export interface Facts {
  /** A chat is being made. */
  isMaking?: boolean;
  chat?: ChatView;
  connection?: ConnectionView;
  /** The connection has been away for longer than a reader has to know of. */
  isCut?: boolean;
  /** Why the list of chats cannot be found, where that is known for longer than passes unseen. */
  listError?: StreamError | undefined;
  /** Tokens that have just come late. */
  late?: number | undefined;
}

/** The one sentence about a chat at this moment. */
export function statusOf({ isMaking, chat, connection, isCut, listError, late }: Facts): Status {
  if (connection?.status === "refused") {
    return { text: connection.error?.message ?? "The server refused the connection.", tone: "bad" };
  }
  if (isCut === true) return { text: sayCut(chat), tone: "wait" };
  if (listError?.isRetryable === false) return { text: listError.message, tone: "bad" };
  if (listError !== undefined) {
    const text = "The server cannot be reached. This page waits for it.";
    return { text: isMaking === true ? `${text} What you send is sent once.` : text, tone: "wait" };
  }
  if (isMaking === true) return quiet("Sending.");
  if (chat === undefined) return quiet("");
  if (late !== undefined) return quiet(`Back: ${count(late, "token")} caught up.`);
  if (chat.error !== undefined && !chat.isAnswering && !hasFailed(chat)) {
    return { text: chat.error.message, tone: "bad" };
  }
  if (chat.status !== "ready" && !chat.isAnswering) return quiet("");
  if (chat.isStopping) return quiet("Stopping.");
  const last = lastAnswer(chat);
  if (chat.isAnswering) {
    if (
      last?.parts?.some((part) => part.type === "tool" && part.state === "approval-request") &&
      last.end === undefined
    )
      return quiet("A call waits for your word. Esc stops.");
    const isWaiting = last === undefined || last.end !== undefined || last.text === "";
    return quiet(isWaiting ? "Waiting for the first token. Esc stops." : "Answering. Esc stops.");
  }
  return quiet(last?.end?.reason === "stop" ? `Answer complete, ${countWords(last.text)}.` : "");
}

function sayCut(chat: ChatView | undefined): string {
  if (chat?.status === "loading") return "Reconnecting. The chat appears as soon as the server is back.";
  if (chat?.isStopping === true) return "Reconnecting. The stop is sent as soon as the server is back.";
  if (chat?.run !== undefined) return "Reconnecting. The answer keeps being written.";
  return "Reconnecting. What you send waits, and is sent once.";
}

/** Why an answer ended, where that has to be said; with how much of it there is. */
export function describeEnd({ end, text }: AssistantChatMessage): Status | undefined {
  const kept = text === "" ? "" : " The text so far is kept.";
  switch (end?.reason) {
    case undefined:
    case "stop":
      return undefined;
    case "tool-calls":
      return quiet("Ended with calls of tools that are not run here.");
    case "length":
      return { text: `Ended at the length limit.${kept}`, tone: "wait" };
    case "cancelled":
      return quiet(text === "" ? "Stopped before the first token." : `Stopped.${kept}`);
    case "interrupted":
      return { text: `Interrupted: the server ended while this was written.${kept}`, tone: "wait" };
    case "error":
      return { text: end.error?.message ?? `The model failed.${kept}`, tone: "bad" };
  }
}

/** The measured figures of an ended answer, for the line in mono; empty where nothing was measured. */
export function describeFigures({ end, model }: AssistantChatMessage): string {
  const { timing, usage } = end ?? {};
  const figures = [model];
  if (usage?.outputTokens !== undefined) figures.push(count(usage.outputTokens, "token"));
  if (timing?.tokensPerSecond !== undefined) figures.push(`${formatRate(timing.tokensPerSecond)}/s`);
  if (timing?.firstTokenMs !== undefined) figures.push(`first after ${formatDuration(timing.firstTokenMs)}`);
  if (timing !== undefined) figures.push(`${formatDuration(timing.totalMs)} in all`);
  // A figure stays with its unit where the line is too narrow.
  return figures.map((figure) => figure.replaceAll(" ", "\u00a0")).join(" · ");
}

/** What the dot means, for those who do not see it. */
export const LINK_WORDS: Record<ConnectionView["status"], string> = {
  idle: "No stream is open",
  connecting: "The stream is opening",
  open: "The stream is open",
  reconnecting: "The stream is cut, reconnecting",
  refused: "The stream was refused",
};

function lastAnswer({ path }: ChatView): AssistantChatMessage | undefined {
  const last = path.at(-1)?.message;
  return last?.role === "assistant" ? last : undefined;
}

/** What failed to be sent says so at its place. */
function hasFailed({ path }: ChatView): boolean {
  return path.some(({ sending }) => sending?.status === "failed");
}

function quiet(text: string): Status {
  return { text, tone: "quiet" };
}

function countWords(text: string): string {
  return count(text.match(/\S+/g)?.length ?? 0, "word");
}

/** So many of a thing. */
export function count(number: number, thing: string): string {
  return `${formatCount(number)} ${thing}${number === 1 ? "" : "s"}`;
}

/** A whole number as people read it. Not by `toLocaleString`: its first call loads a language, in the task that ends an answer. */
export function formatCount(number: number): string {
  return String(number).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** A size as people read it. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function formatRate(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate));
}

function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
