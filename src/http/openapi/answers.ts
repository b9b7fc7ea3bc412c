import { z } from "zod";
import { ERRORS } from "../../protocol/error.ts";
import type { ErrorCode } from "../../protocol/error.ts";

// The shapes of answers. `test/http/openapi.test.ts` holds real answers against them.

const codes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]; // it has members
const cursor = z.string().describe("A place in one stream, such as `22oh9havj1.1`");
const millis = z.number().describe("Unix milliseconds");
const streamName = z.string().describe("The name of a stream");

const error = z.object({
  code: z.enum(codes).describe("What happened, for programs"),
  message: z.string().describe("What happened, what is safe and what to do next, for people"),
  retryable: z.boolean().describe("Whether the same request may succeed later"),
  run: z.string().optional().describe("With `run-active`: the run that is open"),
});

export const errorSchema = z.object({ error }).describe("A refusal");

export const openAIErrorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable().describe("The member that is at fault"),
      code: z.string().nullable(),
      retryable: z.boolean().optional(),
    }),
  })
  .describe("A refusal, as OpenAI words it");

export const event = z.looseObject({}).describe("A JSON object, as it was appended");

export const appendedSchema = z.object({ cursor: cursor.describe("The cursor of the last event") });

export const streamInfoSchema = z.object({
  stream: streamName,
  kind: z.enum(["log", "state", "chat"]),
  head: cursor,
  closed: z.boolean(),
});

export const pageSchema = z.object({
  stream: streamName,
  reset: z
    .enum(["unknown-epoch", "beyond-head", "trimmed"])
    .optional()
    .describe("The cursor could not be honoured: what was read before is to be dropped"),
  events: z.array(
    z.object({ cursor, at: millis.describe("When it was appended, in Unix milliseconds"), event }),
  ),
  next: cursor.describe("Goes into `after` for the next page"),
  head: cursor.describe("The last event that there is"),
  closed: z.boolean().describe("Whether nothing comes after the head"),
});

const reason = z.enum(["stop", "length", "cancelled", "error", "interrupted"]).describe("Why it ended");

/** What the end of a run brings. */
const end = {
  reason: reason.optional(),
  usage: z.object({ inputTokens: z.number().optional(), outputTokens: z.number().optional() }).optional(),
  timing: z
    .object({
      totalMs: z.number(),
      firstTokenMs: z.number().optional(),
      tokensPerSecond: z.number().optional(),
    })
    .optional(),
  sha256: z.string().optional().describe("Of the whole text in UTF-8, in hex"),
  error: error.optional(),
};

export const endSchema = z.looseObject({ run: z.string(), ...end, reason });

export const startedRunSchema = z.object({
  run: z.string(),
  stream: streamName.describe("The stream that the answer is written to"),
});

export const runSchema = z.looseObject({
  run: z.string(),
  model: z.string(),
  status: z.enum(["open", "ended"]),
  text: z.string(),
  reasoning: z.string().optional().describe("What the model thought aloud"),
  at: millis.describe("When it was started, in Unix milliseconds"),
  stream: streamName,
  cursor,
  ...end,
});

export const createdChatSchema = z.object({ chat: z.string(), stream: streamName });

export const chatListSchema = z.union([
  pageSchema.describe("A page of the list's stream"),
  z
    .object({
      chats: z.array(
        z.looseObject({
          chat: z.string(),
          title: z.string().optional(),
          snippet: z.string().optional().describe("Where the words stand"),
          message: z.string().optional(),
          updatedAt: millis,
        }),
      ),
    })
    .describe("What was found, with `q`"),
]);

export const chatSchema = z.looseObject({
  chat: z.string(),
  stream: streamName,
  cursor: cursor.describe("What is read after it follows the chat"),
  title: z.string().optional(),
  system: z.string().optional().describe("What the model is told before everything else"),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(["user", "assistant"]),
        id: z.string(),
        parent: z.string().optional().describe("The message that it answers"),
        text: z.string(),
      }),
    )
    .describe("In the order of their starts; `parent` makes them a tree"),
  run: z.object({ run: z.string(), message: z.string() }).optional().describe("The run that is open"),
});

export const startedMessageSchema = z.object({
  user: z.string().optional().describe("The message of the person"),
  message: z.string().describe("The answer's message"),
  run: z.string(),
  stream: streamName,
  after: cursor.describe("What is read after it shows all of it"),
});

export const rememberedSchema = z.object({ status: z.literal("remembered") });

const model = z.looseObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.number(),
  owned_by: z.string(),
  origin: z.string().describe("Where it comes from, for people"),
  description: z.string().optional(),
});

export const modelSchema = model;
export const modelsSchema = z.object({
  object: z.literal("list"),
  data: z.array(model),
  default: z.string().optional().describe("The model that answers where none is named"),
});

export const completionSchema = z.looseObject({
  id: z.string(),
  object: z.literal("chat.completion"),
  created: z.number(),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.number(),
      message: z.looseObject({ role: z.literal("assistant"), content: z.string().nullable() }),
      finish_reason: z.string(),
    }),
  ),
  usage: z.looseObject({}).optional(),
});

export const signalledSchema = z.object({
  person: z.string().describe("Who is told as the person"),
  sender: z.string().describe("One window of that person"),
});

const presence = z.object({
  stream: streamName,
  at: millis.describe("When it was so, in Unix milliseconds"),
  count: z.number().describe("People, not connections"),
  people: z
    .array(z.object({ person: z.string(), since: millis, data: z.looseObject({}).optional() }))
    .optional()
    .describe("Absent where more than 50 are here"),
});

export const presentSchema = presence.extend({ person: z.string().optional() });
export const renewedSchema = presence.extend({
  person: z.string(),
  renewMs: z.number().describe("Renew it this often, in milliseconds"),
});

export const statusSchema = z.object({ status: z.string() });
