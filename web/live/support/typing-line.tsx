import type { ReactNode } from "react";
import type { HeardSignal } from "millrace/client/live";
import { MAX_NAME, readText } from "./ticket.ts";
import type { Side } from "./ticket.ts";

/** What who types says of itself. */
export interface Typist {
  role: Side;
  name: string;
}

/** Who types at this moment. The line has its place whether anybody does or not. */
export function TypingLine({ typing }: { typing: readonly HeardSignal<Typist>[] }): ReactNode {
  return (
    <p className="support-typing" role="status" data-live={typing.length > 0}>
      {sayTyping(typing.map(({ data }) => data))}
    </p>
  );
}

/** `Agent Robin is typing…`. What they say of themselves is a claim, which may hold anything. Pure. */
export function sayTyping(typists: readonly (Partial<Record<keyof Typist, unknown>> | undefined)[]): string {
  const [first, second, ...more] = typists.map((typist) => {
    const name = readText(typist?.name, MAX_NAME);
    if (typist?.role === "agent") return name === undefined ? "Agent" : `Agent ${name}`;
    return name ?? "Somebody";
  });
  if (first === undefined) return "";
  if (second === undefined) return `${first} is typing…`;
  return more.length === 0 ? `${first} and ${second} are typing…` : `${typists.length} are typing…`;
}
