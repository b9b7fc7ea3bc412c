import { extraContent } from "./openai-calls.ts";
import type { Endpoint } from "./openai-failure.ts";
import type { GenerateRequest, PromptCall, PromptMessage, ToolChoice, ToolSpec } from "./provider.ts";

/** The body of a request for an answer. Source: OpenAI API reference, "Create chat completion". */
export function requestBody(endpoint: Endpoint, request: GenerateRequest): string {
  const { model, messages, maxTokens, tools, toolChoice, callsInParallel, sampling = {} } = request;
  return JSON.stringify({
    model,
    messages: messages.map((message) => toMessage(endpoint, message)),
    stream: true,
    stream_options: { include_usage: true },
    // OpenAI's newer models refuse the former name; other servers know only that one.
    ...(maxTokens !== undefined && {
      [endpoint.isOpenAI ? "max_completion_tokens" : "max_tokens"]: maxTokens,
    }),
    // A choice without tools is refused.
    ...(tools !== undefined && {
      tools: tools.map(toTool),
      ...(toolChoice !== undefined && { tool_choice: toChoice(toolChoice) }),
      parallel_tool_calls: callsInParallel,
    }),
    // JSON leaves out what is undefined.
    temperature: sampling.temperature,
    top_p: sampling.topP,
    seed: sampling.seed,
    stop: sampling.stop,
  });
}

/** What was called before is told in the words of OpenAI: a result without its call is refused. */
function toMessage({ name }: Endpoint, message: PromptMessage): object {
  const { role, text } = message;
  if (role === "tool") return { role, tool_call_id: message.call, content: text };
  if (role !== "assistant" || message.calls === undefined) return { role, content: text };
  return {
    role,
    content: text === "" ? null : text,
    tool_calls: message.calls.map((call) => toCall(name, call)),
  };
}

function toCall(server: string, { call, tool, input, providerMetadata }: PromptCall): object {
  return {
    id: call,
    type: "function",
    function: { name: tool, arguments: input },
    extra_content: extraContent(server, providerMetadata),
  };
}

function toTool({ name, description, inputSchema, strict }: ToolSpec): object {
  return { type: "function", function: { name, description, parameters: inputSchema, strict } };
}

function toChoice(choice: ToolChoice): unknown {
  return typeof choice === "string" ? choice : { type: "function", function: { name: choice.tool } };
}
