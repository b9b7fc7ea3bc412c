import { z } from "zod";
import type { OtherPart } from "../protocol/event.ts";
import { StreamError } from "../protocol/error.ts";
import type { ProviderPart, ToolSpec } from "./provider.ts";

/** A function that a model may call, and the server runs. */
export interface Tool<Input = unknown> {
  /** Tells the model what it is for, and when to call it. */
  description?: string;
  /** What the input is to be: a schema of zod, or of another library that makes a JSON schema of itself (Standard JSON Schema); or a JSON
   *  schema. Default: any object. */
  input?: InputSchema<Input>;
  /** Whether a person has to allow each call first, which is possible in chats only: elsewhere the tool is not offered. Default false. */
  needsApproval?: boolean;
  /** The models that it is offered to, by their ids. Default: all. */
  models?: readonly string[];
  /** How long it may run, in milliseconds. Default 60,000. */
  timeoutMs?: number;
  /** Runs it. What it returns is told to the model as JSON, at most 200,000 characters of it. What it throws is logged on the server, and
   *  the model is told that it failed; the message of a `StreamError` is told as it is. */
  run: (input: Input, context: ToolContext) => unknown;
}

export interface ToolContext {
  /** Aborts when the run is stopped, or the tool's time is over. */
  signal: AbortSignal;
  /** Names the call in its message. */
  call: string;
  run: string;
  message: string;
  /** The stream in which the answer is written, such as `chats/7knrsivdwgo2907a`. */
  stream: string;
  /** Whose chat it is; absent outside of chats. */
  owner?: string;
  /** Adds a part to the message, such as `{ type: "data-progress", id: "p", data: { done: 3 } }`: at most 262,144 characters of JSON. */
  write: (part: ProviderPart) => void;
}

export type Tools = Readonly<Record<string, Tool>>;

export type InputSchema<Input = unknown> = StandardSchema<Input> | Readonly<Record<string, unknown>>;

/** What libraries of schemas agree on. Source: standardschema.dev. */
export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Checked<Output> | Promise<Checked<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
    readonly jsonSchema?: { readonly input: (options: { target: "draft-07" }) => Record<string, unknown> };
  };
}

type Checked<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };
type Issue = {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
};

/** Gives `run` the type of what its schema yields. */
export function defineTool<Input>(tool: Tool<Input>): Tool {
  // Its input is checked by its own schema before it is called.
  return tool as Tool;
}

/** The tools of a server, ready for models. */
export interface Toolbox {
  readonly specs: readonly ToolSpec[];
  find(name: string): ReadyTool | undefined;
}

export interface ReadyTool {
  spec: ToolSpec;
  needsApproval: boolean;
  models: readonly string[] | undefined;
  timeoutMs: number;
  run: Tool["run"];
  /** The input as the tool takes it. Errors: `tool-input-invalid`, saying what is wrong. */
  check(input: unknown): Promise<unknown>;
}

/** What OpenAI and Anthropic take. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const TIMEOUT_MS = 60_000;
/** More would be hard to read, for a model too. */
const MAX_ISSUES = 5;

/** Errors: `invalid-request` where a name or a schema cannot be used. */
export function createToolbox(tools: Tools = {}): Toolbox {
  const ready = new Map(Object.entries(tools).map(([name, tool]) => [name, prepare(name, tool)]));
  return { specs: [...ready.values()].map(({ spec }) => spec), find: (name) => ready.get(name) };
}

/** What of it is offered to a model, where there is nobody who could allow a call, or where there is. */
export function offered(toolbox: Toolbox, model: string | undefined, hasPerson: boolean): Toolbox {
  const find = (name: string) => {
    const tool = toolbox.find(name);
    if (tool?.needsApproval === true && !hasPerson) return undefined;
    return tool?.models?.includes(model ?? "") === false ? undefined : tool;
  };
  return { specs: toolbox.specs.filter(({ name }) => find(name) !== undefined), find };
}

function prepare(name: string, tool: Tool): ReadyTool {
  if (!NAME.test(name))
    throw new StreamError(
      "invalid-request",
      `The tool ${JSON.stringify(name)} cannot be offered: a name has 1 to 64 of A-Z, a-z, 0-9, _ and -.`,
    );
  const { description, input = { type: "object" }, needsApproval = false, models } = tool;
  const schema = standardOf(name, input);
  const inputSchema = jsonSchemaOf(name, input);
  return {
    spec: { name, ...(description !== undefined && { description }), inputSchema },
    needsApproval,
    models,
    timeoutMs: tool.timeoutMs ?? TIMEOUT_MS,
    run: tool.run,
    async check(value) {
      const checked = await schema["~standard"].validate(value);
      if (checked.issues === undefined) return checked.value;
      throw new StreamError(
        "tool-input-invalid",
        `The input is not what ${name} takes: ${say(checked.issues)}.`,
      );
    },
  };
}

function isStandard(input: InputSchema): input is StandardSchema<unknown> {
  return "~standard" in input;
}

function standardOf(name: string, input: InputSchema): StandardSchema<unknown> {
  if (isStandard(input)) return input;
  try {
    return z.fromJSONSchema(input);
  } catch (cause) {
    throw unusable(name, cause);
  }
}

function jsonSchemaOf(name: string, input: InputSchema): Record<string, unknown> {
  if (!isStandard(input)) return input;
  const { jsonSchema } = input["~standard"];
  try {
    if (jsonSchema === undefined) throw new Error("it cannot make a JSON schema of itself");
    const { $schema: _, ...schema } = jsonSchema.input({ target: "draft-07" });
    return schema;
  } catch (cause) {
    throw unusable(name, cause);
  }
}

function unusable(name: string, cause: unknown): StreamError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StreamError("invalid-request", `The input schema of the tool ${name} cannot be used: ${why}.`, {
    cause,
  });
}

function say(issues: readonly Issue[]): string {
  return issues
    .slice(0, MAX_ISSUES)
    .map(({ message, path = [] }) => {
      const at = path.map((step) => String(typeof step === "object" ? step.key : step)).join(".");
      return at === "" ? message : `${at}: ${message}`;
    })
    .join("; ");
}

/** A part as its event says it. */
export function partEvent(message: string, part: ProviderPart): OtherPart {
  const { type, ...rest } = part;
  return { type, message, ...rest } as OtherPart; // `message` is all that it lacked
}
