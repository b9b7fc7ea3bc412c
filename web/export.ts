import type { ChatView } from "millrace/client";
import type { ChatMessage } from "millrace/protocol";
import { describeEnd } from "./words.ts";

/** The shown branch of a chat as a document. Pure. */
export function toMarkdown({ title, system, path }: Pick<ChatView, "title" | "system" | "path">): string {
  const parts = [`# ${titleOf(title)}`];
  if (system !== undefined) parts.push(`> ${system.replaceAll("\n", "\n> ")}`);
  for (const { message } of path) {
    parts.push(`## ${message.role === "user" ? "You" : message.model}`, ...wordsOf(message));
    const ending = message.role === "assistant" ? describeEnd(message) : undefined;
    if (ending !== undefined) parts.push(`*${ending.text}*`);
  }
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** What a message says, with the calls of tools where they stand in it. */
function wordsOf(message: ChatMessage): string[] {
  if (message.role === "user" || message.parts === undefined) return [message.text.trim()];
  return message.parts.map((part) => {
    if (part.type === "text") return part.text.trim();
    if (part.type !== "tool") return "";
    const { tool, input, output, error, approved } = part;
    const outcome =
      error?.message ?? (approved === false ? "refused" : (JSON.stringify(output) ?? "unfinished"));
    return `- \`${tool}\` ${JSON.stringify(input) ?? ""}: ${outcome}`;
  });
}

/** A name for the file of a chat, of letters and digits that every system takes. Pure. */
export function fileName(title: string | undefined, extension: string): string {
  const words = titleOf(title)
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  const name = (words ?? []).join("-").slice(0, 60).replace(/-$/, "");
  return `${name === "" ? "chat" : name}.${extension}`;
}

/** Hands a text to the person as a file. */
export function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function titleOf(title: string | undefined): string {
  return title === undefined || title === "" ? "New chat" : title;
}
