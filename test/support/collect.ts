import { StreamError } from "../../src/protocol/error.ts";
import type { GenerateRequest, Provider, ProviderEvent } from "../../src/chat/provider.ts";

/** What a provider's answer came to. */
export interface Collected {
  text: string;
  reasoning: string;
  events: ProviderEvent[];
  finish: Extract<ProviderEvent, { type: "finish" }> | undefined;
  error: StreamError | undefined;
}

/** Reads an answer to its end. A StreamError is given back; anything else is thrown. */
export async function collect(
  provider: Provider,
  prompt: string | Partial<GenerateRequest>,
  signal = new AbortController().signal,
): Promise<Collected> {
  const asked = typeof prompt === "string" ? { messages: [{ role: "user" as const, text: prompt }] } : prompt;
  const events: ProviderEvent[] = [];
  let error: StreamError | undefined;
  try {
    for await (const event of provider.generate({ model: "fake-model", messages: [], ...asked }, signal)) {
      events.push(event);
    }
  } catch (thrown) {
    if (!(thrown instanceof StreamError)) throw thrown;
    error = thrown;
  }
  const textOf = (type: "text" | "reasoning") =>
    events.map((event) => (event.type === type ? event.text : "")).join("");
  const last = events.at(-1);
  return {
    text: textOf("text"),
    reasoning: textOf("reasoning"),
    events,
    finish: last?.type === "finish" ? last : undefined,
    error,
  };
}
