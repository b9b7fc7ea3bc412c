import { z } from "zod";
import type { GenerateRequest, PromptMessage, Sampling } from "../../chat/provider.ts";
import { StreamError } from "../../protocol/error.ts";
import type { ErrorCode } from "../../protocol/error.ts";
import {
  callSchema,
  choiceSchema,
  toPromptCall,
  toToolChoice,
  toToolSpec,
  toolSchema,
} from "./openai-tools.ts";

const MAX_MESSAGES = 10_000;
const MAX_CHARACTERS = 1_000_000;
const MAX_TOOLS = 128;

/** What a chat completion asks for, in our words. */
export interface ChatRequest {
  start: Omit<GenerateRequest, "model"> & { model?: string };
  isStreamed: boolean;
  /** Whether the stream tells its usage. */
  wantsUsage: boolean;
}

/** A refusal that names the parameter it is about. */
export class ParameterError extends StreamError {
  /** Its path in the body, such as `messages.0.content`; null where no single one is at fault. */
  readonly param: string | null;

  constructor(code: ErrorCode, message: string, param: string | null) {
    super(code, message);
    this.name = "ParameterError";
    this.param = param;
  }
}

/** Reads the body of a chat completion. What is not known here is ignored: other servers have members of their own.
 *  Shape:  1 to 10,000 messages, 1,000,000 characters in all; parts of text are joined by line breaks.
 *  Errors: ParameterError `invalid-request` 400, `prompt-too-large` 413.
 *  Source: OpenAI API reference, "Create chat completion". */
export function parseChatRequest(body: unknown): ChatRequest {
  const parsed = bodySchema.safeParse(body);
  if (!parsed.success) throw shapeError(parsed.error);
  const { model, stream, stream_options, max_tokens, max_completion_tokens } = parsed.data;
  const maxTokens = max_completion_tokens ?? max_tokens;
  return {
    start: {
      messages: toMessages(parsed.data.messages),
      ...(model != null && { model }),
      ...(maxTokens != null && { maxTokens }),
      sampling: toSampling(parsed.data),
      ...toTools(parsed.data),
    },
    isStreamed: stream === true,
    wantsUsage: stream_options?.include_usage === true,
  };
}

const partSchema = z.looseObject({
  type: z.string("is missing"),
  text: z.string("is to be a text").optional(),
});

const messageSchema = z.object({
  role: z.enum(
    ["system", "developer", "user", "assistant", "tool"],
    "is to be system, developer, user, assistant or tool",
  ),
  content: z
    .union([z.string(), z.array(partSchema)], "is to be a text, or an array of parts of type text")
    .nullish(),
  /** Of an assistant. */
  tool_calls: z
    .array(callSchema, "is to be an array of calls")
    .max(MAX_TOOLS, "has at most 128 calls")
    .nullish(),
  /** Of a tool. */
  tool_call_id: z.string("is to be a text").nullish(),
});

const tokensSchema = z.int("is to be a whole number").min(1, "is to be 1 or more").nullish();
const stopSchema = z.string().min(1, "is empty").max(1_000, "has at most 1,000 characters");

export const bodySchema = z.object(
  {
    model: z.string("is to be a text").min(1, "is empty").max(200, "has at most 200 characters").nullish(),
    messages: z.array(messageSchema, "is to be an array of messages"),
    stream: z.boolean("is to be true or false").nullish(),
    stream_options: z.object({ include_usage: z.boolean("is to be true or false").nullish() }).nullish(),
    max_tokens: tokensSchema,
    max_completion_tokens: tokensSchema,
    temperature: z.number("is to be a number").min(0, "is 0 to 2").max(2, "is 0 to 2").nullish(),
    top_p: z.number("is to be a number").min(0, "is 0 to 1").max(1, "is 0 to 1").nullish(),
    seed: z.int("is to be a whole number").nullish(),
    stop: z
      .union(
        [stopSchema, z.array(stopSchema).max(16, "has at most 16 texts")],
        "is to be a text, or an array of at most 16 texts",
      )
      .nullish(),
    tools: z
      .array(toolSchema, "is to be an array of tools")
      .max(MAX_TOOLS, "has at most 128 tools")
      .nullish(),
    tool_choice: choiceSchema.nullish(),
    parallel_tool_calls: z.boolean("is to be true or false").nullish(),
    n: z.literal(1, "is to be 1: a run has one answer. Send the request once for each").nullish(),
  },
  "is to be an object",
);

type Body = z.infer<typeof bodySchema>;

function toMessages(sent: Body["messages"]): PromptMessage[] {
  if (sent.length === 0) throw invalid("messages", "is empty. Send at least one message.");
  if (sent.length > MAX_MESSAGES) throw tooLarge(`${sent.length} messages; at most ${MAX_MESSAGES}`);
  const messages: PromptMessage[] = [];
  /** The tool of each call so far. */
  const tools = new Map<string, string>();
  let characters = 0;
  for (const [index, { role, content, tool_calls, tool_call_id }] of sent.entries()) {
    const at = `messages.${index}.content`;
    const calls = role === "assistant" ? (tool_calls ?? []).map(toPromptCall) : [];
    // An assistant that has neither said nor called anything.
    if (content == null && role === "assistant" && calls.length === 0) continue;
    if (content == null && calls.length === 0) throw invalid(at, "is missing. Send a text.");
    const text = typeof content === "string" ? content : joinParts(content ?? [], at);
    characters += text.length;
    for (const { call, tool, input } of calls) {
      tools.set(call, tool);
      characters += input.length;
    }
    if (calls.length > 0) messages.push({ role: "assistant", text, calls });
    else if (role === "tool") messages.push({ role, text, ...calledBy(tools, tool_call_id, index) });
    else messages.push({ role: role === "developer" ? "system" : role, text });
  }
  if (characters > MAX_CHARACTERS) throw tooLarge(`${characters} characters; at most ${MAX_CHARACTERS}`);
  if (messages.length === 0)
    throw invalid("messages", "holds no text. Send at least one message with a text.");
  return messages;
}

function joinParts(parts: readonly z.infer<typeof partSchema>[], at: string): string {
  const texts = parts.map(({ type, text }, index) => {
    if (type === "text" && text !== undefined) return text;
    if (type === "text") throw invalid(`${at}.${index}.text`, "is missing.");
    throw invalid(
      `${at}.${index}`,
      `is a part of type ${JSON.stringify(type.slice(0, 60))}, which is not taken here. Send parts of type "text".`,
    );
  });
  return texts.join("\n");
}

/** A result belongs to a call before it: without one it tells a model nothing, and servers refuse it. */
function calledBy(
  tools: ReadonlyMap<string, string>,
  call: string | null | undefined,
  index: number,
): { call: string; tool: string } {
  const at = `messages.${index}.tool_call_id`;
  if (call == null) throw invalid(at, "is missing. Send the id of the call that this is the result of.");
  const tool = tools.get(call);
  if (tool === undefined)
    throw invalid(
      at,
      "names no call of a message before it. Send the assistant's message with the call, too.",
    );
  return { call, tool };
}

function toTools({
  tools,
  tool_choice,
  parallel_tool_calls,
}: Body): Pick<GenerateRequest, "tools" | "toolChoice" | "callsInParallel"> {
  const specs = tools?.map(toToolSpec);
  const toolChoice = tool_choice == null ? undefined : toToolChoice(tool_choice);
  const named = typeof toolChoice === "object" ? toolChoice.tool : undefined;
  if (named !== undefined && specs?.every(({ name }) => name !== named) === true)
    throw invalid("tool_choice", `names ${JSON.stringify(named)}, which is none of tools.`);
  return {
    ...(specs !== undefined && { tools: specs }),
    ...(toolChoice !== undefined && { toolChoice }),
    ...(parallel_tool_calls != null && { callsInParallel: parallel_tool_calls }),
  };
}

function toSampling({ temperature, top_p, seed, stop }: Body): Sampling {
  return {
    ...(temperature != null && { temperature }),
    ...(top_p != null && { topP: top_p }),
    ...(seed != null && { seed }),
    ...(stop != null && { stop: typeof stop === "string" ? [stop] : stop }),
  };
}

function shapeError({ issues: [issue] }: z.ZodError): ParameterError {
  const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join(".");
  const what = `${issue?.message ?? "has another shape than documented"}.`;
  return new ParameterError("invalid-request", `${param ?? "The body"} ${what}`, param);
}

function invalid(param: string, what: string): ParameterError {
  return new ParameterError("invalid-request", `${param} ${what}`, param);
}

function tooLarge(what: string): ParameterError {
  return new ParameterError(
    "prompt-too-large",
    `messages holds ${what} are taken. Leave out the oldest ones.`,
    "messages",
  );
}
