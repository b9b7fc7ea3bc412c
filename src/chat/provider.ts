import type { DataPart, FilePart, SourceUrl, Usage } from "../protocol/event.ts";

/** Where answers come from: an OpenAI-compatible server, the built-in guide, a script. */
export interface Provider {
  /** Shown as the origin of its models, such as `openai` or `ollama`. */
  readonly name: string;
  /** Whether it goes on with `continues` by itself. Else it is asked with the text so far and an instruction. */
  readonly canContinue?: boolean;
  /** Whether its models may be asked for the title of a chat: a short call of its own. Default false. */
  readonly writesTitles?: boolean;
  /** The models it offers now. Quick: what is slow to find out is kept. */
  models(): Promise<readonly Model[]>;
  /** Generates one answer.
   *  Order:  deltas as they arrive, never empty, then one `finish`, then the iterator ends.
   *  Tools:  each call is a `tool-call` and its `tool-input`; `finish` then says `tool-calls`. The provider is asked again with
   *          the same messages, the calls as an `assistant` message behind them, and a `tool` message for each result.
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
  /** What it may call. Absent: nothing, and the messages may still tell of calls. */
  tools?: readonly ToolSpec[];
  /** An answer without them is better than none: nobody who asks has named them. Default false. */
  areToolsOptional?: boolean;
  /** Default `auto`. `none`: it is to answer without another call. */
  toolChoice?: ToolChoice;
  /** Whether it may call several tools at once. Default: as the model does. */
  callsInParallel?: boolean;
  /** Hears what is for who runs the server, and not for the reader. Absent: nobody does. */
  warn?: (message: string) => void;
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

/** A tool as a model is told of it. */
export interface ToolSpec {
  name: string;
  description?: string;
  /** What its input is to be: a JSON schema. */
  inputSchema: Record<string, unknown>;
  /** Whether the model is to keep to the schema exactly, where it can. */
  strict?: boolean;
}

export type ToolChoice = "auto" | "none" | "required" | { tool: string };

export type PromptMessage =
  | { role: "system" | "user"; text: string }
  /** What the model said, and what it called. */
  | { role: "assistant"; text: string; calls?: readonly PromptCall[] }
  /** What came of one of the calls before it: a text, JSON where the output was none. */
  | { role: "tool"; call: string; tool: string; text: string; isError?: boolean };

export interface PromptCall {
  /** Names it among the calls of the conversation. */
  call: string;
  tool: string;
  /** JSON text; what the model wrote, where that was none. */
  input: string;
  /** As it came with the call. */
  providerMetadata?: Record<string, unknown>;
}

export type ProviderEvent =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  /** A call begins. `call` tells it from the other calls of this answer; in the log it gets a name of its own.
   *  `executor`: the provider runs the tool itself, and says what came of it by `tool-output`. */
  | { type: "tool-call"; call: string; tool: string; executor?: "provider" }
  /** A piece of the JSON text of its input, or all of it. What the model wants to have back with the call comes with one of them. */
  | { type: "tool-input"; call: string; text: string; providerMetadata?: Record<string, unknown> }
  /** What came of a call that the provider has run. `error`: what was thrown, for the log of the server and nobody else. */
  | { type: "tool-output"; call: string; output: unknown; isError?: boolean; error?: unknown }
  /** Another part of the message: it is passed through as it is. */
  | { type: "part"; part: ProviderPart }
  | { type: "finish"; reason: "stop" | "length" | "tool-calls"; usage?: Usage };

export type ProviderPart = Omit<DataPart, "message"> | Omit<SourceUrl, "message"> | Omit<FilePart, "message">;
