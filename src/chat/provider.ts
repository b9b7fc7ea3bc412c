import type { Usage } from "../protocol/event.ts";

/** Where answers come from: an OpenAI-compatible server, the built-in guide, a script. */
export interface Provider {
  /** Shown as the origin of its models, such as `openai` or `ollama`. */
  readonly name: string;
  /** Whether it goes on with `continues` by itself. Else it is asked with the text so far and an instruction. */
  readonly canContinue?: boolean;
  /** The models it offers now. Quick: what is slow to find out is kept. */
  models(): Promise<readonly Model[]>;
  /** Generates one answer.
   *  Order:  deltas as they arrive, never empty, then one `finish`, then the iterator ends.
   *  Done:   when the iterator is left early or `signal` aborts, the upstream request is aborted too.
   *  Errors: StreamError `provider-refused`, `provider-failed`, `provider-busy`, before or between deltas. */
  generate(request: GenerateRequest, signal: AbortSignal): ProviderAnswer;
}

/** An answer as it arrives. */
export interface ProviderAnswer extends AsyncIterable<ProviderEvent> {
  /** Takes the next event if it is there already: what came together is then appended together, and without a promise each. */
  shift?(): ProviderEvent | undefined;
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
  /** What the answer says so far: it is to go on right behind it. Only where the provider can. */
  continues?: string;
  /** How the answer is drawn; what a provider does not know it leaves out. */
  sampling?: Sampling;
}

export interface Sampling {
  temperature?: number;
  topP?: number;
  seed?: number;
  /** Texts at which the answer ends. */
  stop?: readonly string[];
}

export interface PromptMessage {
  role: "system" | "user" | "assistant";
  text: string;
}

export type ProviderEvent =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "finish"; reason: "stop" | "length"; usage?: Usage };
