import { z } from "zod";
import type { GenerateRequest, PromptMessage, Sampling } from "../../chat/provider.ts";
import { StreamError } from "../../protocol/error.ts";
import type { ErrorCode } from "../../protocol/error.ts";

const MAX_MESSAGES = 10_000;
const MAX_CHARACTERS = 1_000_000;

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
});

const tokensSchema = z.int("is to be a whole number").min(1, "is to be 1 or more").nullish();
const stopSchema = z.string().min(1, "is empty").max(1_000, "has at most 1,000 characters");

const bodySchema = z.object(
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
    n: z.literal(1, "is to be 1: a run has one answer. Send the request once for each").nullish(),
  },
  "is to be an object",
);

type Body = z.infer<typeof bodySchema>;

function toMessages(sent: Body["messages"]): PromptMessage[] {
  if (sent.length === 0) throw invalid("messages", "is empty. Send at least one message.");
  if (sent.length > MAX_MESSAGES) throw tooLarge(`${sent.length} messages; at most ${MAX_MESSAGES}`);
  const messages: PromptMessage[] = [];
  let characters = 0;
  for (const [index, { role, content }] of sent.entries()) {
    const at = `messages.${index}.content`;
    // An assistant that only called tools has said nothing.
    if (content == null && role === "assistant") continue;
    if (content == null) throw invalid(at, "is missing. Send a text.");
    const text = typeof content === "string" ? content : joinParts(content, at);
    characters += text.length;
    messages.push({ role: toRole(role), text });
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

/** There are no tools here, but what one has said helps the model: it is handed over as the user's text. */
function toRole(role: Body["messages"][number]["role"]): PromptMessage["role"] {
  switch (role) {
    case "system":
    case "developer":
      return "system";
    case "user":
    case "tool":
      return "user";
    case "assistant":
      return "assistant";
  }
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
