import { z } from "zod";
import { callIndex } from "../../chat/tool-calls.ts";
import type { PromptCall, ToolChoice, ToolSpec } from "../../chat/provider.ts";
import type { Entry, RunEvent } from "../../protocol/event.ts";

/** What OpenAI takes, and dots and colons, which other servers take too. */
const NAME = /^[A-Za-z0-9_.:-]{1,128}$/;
const nameSchema = z
  .string("is to be a text")
  .regex(NAME, "is to have 1 to 128 of A-Z, a-z, 0-9, _, ., : and -");
const functionSchema = z.literal("function", 'is to be "function": other tools are not taken here');

export const toolSchema = z.object(
  {
    type: functionSchema,
    function: z.object(
      {
        name: nameSchema,
        description: z.string("is to be a text").nullish(),
        parameters: z.record(z.string(), z.unknown(), "is to be a JSON schema").nullish(),
        strict: z.boolean("is to be true or false").nullish(),
      },
      "is missing",
    ),
  },
  "is to be an object",
);

export const choiceSchema = z.union(
  [
    z.enum(["none", "auto", "required"]),
    z.object({ type: z.literal("function"), function: z.object({ name: nameSchema }) }),
  ],
  "is to be none, auto, required, or a function by its name",
);

/** A call in a message of the assistant, as the client got it. */
export const callSchema = z.object({
  id: z.string("is to be a text").min(1, "is empty").max(200, "has at most 200 characters"),
  type: functionSchema.nullish(),
  function: z.object({
    name: z.string("is to be a text").min(1, "is empty").max(256, "has at most 256 characters"),
    arguments: z.string("is to be the JSON text of the input"),
  }),
});

/** A call as OpenAI words it. */
interface Call {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

const ANYTHING = { type: "object", properties: {} };

export function toToolSpec({ function: tool }: z.infer<typeof toolSchema>): ToolSpec {
  const { name, description, parameters, strict } = tool;
  return {
    name,
    ...(description != null && { description }),
    inputSchema: parameters ?? ANYTHING,
    ...(strict != null && { strict }),
  };
}

export function toToolChoice(choice: z.infer<typeof choiceSchema>): ToolChoice {
  return typeof choice === "string" ? choice : { tool: choice.function.name };
}

export function toPromptCall({ id, function: made }: z.infer<typeof callSchema>): PromptCall {
  return { call: id, tool: made.name, input: made.arguments };
}

/** The JSON of a delta that begins a call, or goes on with its input. Undefined: it is none that the client is to run. */
export function callDelta(event: RunEvent): string | undefined {
  if (event.type === "tool-input-start") {
    const { call, tool, executor } = event;
    if (executor !== "client") return undefined;
    const begun = {
      index: callIndex(call),
      id: call,
      type: "function",
      function: { name: tool, arguments: "" },
    };
    return JSON.stringify({ tool_calls: [begun] });
  }
  if (event.type !== "tool-input-delta") return undefined;
  const index = callIndex(event.call);
  if (index === undefined) return undefined;
  return JSON.stringify({ tool_calls: [{ index, function: { arguments: event.text } }] });
}

/** The calls of a run that the client is to run. Their input is what the model wrote, to the letter: a number that is too long for
 *  JavaScript stays what it is. */
export function callsOf(entries: readonly Entry[]): Call[] {
  const calls = new Map<string, Call>();
  for (const { data } of entries) {
    if (!data.startsWith('{"type":"tool-input-')) continue;
    const event = JSON.parse(data) as RunEvent; // only the runner writes runs
    if (event.type === "tool-input-start" && event.executor === "client") {
      const { call, tool } = event;
      calls.set(call, { id: call, type: "function", function: { name: tool, arguments: "" } });
    }
    const call = event.type === "tool-input-delta" ? calls.get(event.call) : undefined;
    if (call !== undefined && event.type === "tool-input-delta") call.function.arguments += event.text;
  }
  return [...calls.values()];
}
