import type { Usage } from "../protocol/event.ts";

/** Where answers come from: an OpenAI-compatible server, the built-in guide, a script. */
export interface Provider {
  /** Shown as the origin of its models, such as `openai` or `ollama`. */
  readonly name: string;
  /** The models it offers now. Quick: what is slow to find out is kept. */
  models(): Promise<readonly Model[]>;
  /** Generates one answer.
   *  Order:  deltas as they arrive, never empty, then one `finish`, then the iterator ends.
   *  Done:   when the iterator is left early or `signal` aborts, the upstream request is aborted too.
   *  Errors: StreamError `provider-refused`, `provider-failed`, `provider-busy`, before or between deltas. */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<ProviderEvent>;
}

export interface Model {
  /** What a request names, such as `gpt-5-mini`. */
  id: string;
  /** Where it comes from, for people, such as `Ollama on this machine`. */
  origin: string;
  /** A sentence that says what it is. */
  description?: string;
}

export interface GenerateRequest {
  model: string;
  messages: readonly PromptMessage[];
  /** The most tokens that the answer may have. */
  maxTokens?: number;
}

export interface PromptMessage {
  role: "system" | "user" | "assistant";
  text: string;
}

export type ProviderEvent =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "finish"; reason: "stop" | "length"; usage?: Usage };
