import type { GenerateRequest, PromptMessage, ToolChoice } from "./provider.ts";

/** A message as the AI SDK tells it to a model: what `streamText` takes as `messages`, and a `LanguageModel` as its prompt. */
export type AiSdkMessage =
  | { role: "system"; content: string }
  | { role: "user"; content: TextPart[] }
  | { role: "assistant"; content: (TextPart | CallPart)[] }
  | { role: "tool"; content: ResultPart[] };

interface TextPart {
  type: "text";
  text: string;
}

interface CallPart {
  type: "tool-call";
  toolCallId: string;
  toolName: string;
  input: unknown;
  providerOptions?: ProviderOptions;
}

interface ResultPart {
  type: "tool-result";
  toolCallId: string;
  toolName: string;
  output: { type: "text" | "error-text"; value: string };
}

type JsonValue = null | string | number | boolean | JsonValue[] | { [key: string]: JsonValue | undefined };

/** What only one provider understands, by its name. */
export type ProviderOptions = Record<string, { [key: string]: JsonValue | undefined }>;

/** What was said so far, for `streamText({ ...toModelMessages(messages) })`: what the model is told before everything else is apart. */
export function toModelMessages(messages: readonly PromptMessage[]): {
  system?: string;
  messages: Exclude<AiSdkMessage, { role: "system" }>[];
} {
  const all = toAiSdkMessages(messages);
  const system = all.flatMap((message) => (message.role === "system" ? [message.content] : []));
  return {
    ...(system.length > 0 && { system: system.join("\n\n") }),
    messages: all.filter((message) => message.role !== "system"),
  };
}

/** What a `LanguageModel` is asked. Source: `@ai-sdk/provider`, `LanguageModelV2CallOptions` and those of 3 and 4, which agree here. */
export function toCallOptions(
  { messages, maxTokens, sampling = {}, tools, toolChoice }: GenerateRequest,
  providerOptions: ProviderOptions | undefined,
  abortSignal: AbortSignal,
): object {
  const { temperature, topP, seed, stop } = sampling;
  return {
    prompt: toAiSdkMessages(messages),
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(seed !== undefined && { seed }),
    ...(stop !== undefined && { stopSequences: [...stop] }),
    ...(tools !== undefined &&
      tools.length > 0 && {
        tools: tools.map((spec) => ({ type: "function", ...spec })),
        toolChoice: toToolChoice(toolChoice ?? "auto"),
      }),
    ...(providerOptions !== undefined && { providerOptions }),
    includeRawChunks: false,
    abortSignal,
  };
}

function toToolChoice(choice: ToolChoice): object {
  return typeof choice === "string" ? { type: choice } : { type: "tool", toolName: choice.tool };
}

function toAiSdkMessages(messages: readonly PromptMessage[]): AiSdkMessage[] {
  const told: AiSdkMessage[] = [];
  for (const message of messages) {
    const last = told.at(-1);
    // The results of one step stand together: some models take no other order.
    if (message.role === "tool" && last?.role === "tool") last.content.push(toResult(message));
    else told.push(toAiSdkMessage(message));
  }
  return told;
}

function toAiSdkMessage(message: PromptMessage): AiSdkMessage {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.text };
    case "user":
      return { role: "user", content: [{ type: "text", text: message.text }] };
    case "tool":
      return { role: "tool", content: [toResult(message)] };
    case "assistant": {
      const { text, calls = [] } = message;
      return {
        role: "assistant",
        content: [
          // Some models refuse a text without a word.
          ...(text === "" ? [] : [{ type: "text" as const, text }]),
          ...calls.map(({ call, tool, input, providerMetadata }) => ({
            type: "tool-call" as const,
            toolCallId: call,
            toolName: tool,
            input: parseInput(input),
            // It is what the provider itself sent with the call.
            ...(providerMetadata !== undefined && { providerOptions: providerMetadata as ProviderOptions }),
          })),
        ],
      };
    }
  }
}

function toResult({ call, tool, text, isError }: Extract<PromptMessage, { role: "tool" }>): ResultPart {
  return {
    type: "tool-result",
    toolCallId: call,
    toolName: tool,
    output: { type: isError === true ? "error-text" : "text", value: text },
  };
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text; // what the model wrote was no JSON, and its result says so
  }
}
