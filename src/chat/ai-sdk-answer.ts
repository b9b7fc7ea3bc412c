import { StreamError } from "../protocol/error.ts";
import type { Usage } from "../protocol/event.ts";
import { failureMeaning } from "./openai-failure.ts";
import type { ProviderEvent } from "./provider.ts";

/** A part of what a model says: of the stream of a `LanguageModel`, or of the `fullStream` of `streamText`. The two differ in few members,
 *  and each is read here. */
export interface AiSdkPart {
  readonly type: string;
}

export interface AnswerReading {
  /** Who speaks, for what is said of a failure. */
  name: string;
  /** Who runs the tools that are called: `provider` where that has been done by whoever hands the parts on. */
  executor?: "provider";
}

type Members = Readonly<Record<string, unknown>>;

const MAX_FILE_LENGTH = 250_000;
const MAX_DETAIL_LENGTH = 300;

/** Makes events of a model's parts, all of which are read: `streamText` calls its `onFinish` behind the last one. What has no shape here is
 *  passed over.
 *  Errors: `provider-refused`, `provider-busy`, `provider-failed`, also where the parts stop without `finish`; `output-too-large` for a
 *          file. */
export async function* readParts(
  parts: AsyncIterable<AiSdkPart>,
  { name, executor }: AnswerReading,
): AsyncGenerator<ProviderEvent, void, undefined> {
  /** Of each call, how much of its input was said. */
  const calls = new Map<string, number>();
  let finish: ProviderEvent | undefined;
  for await (const part of parts) {
    const { type, ...members } = part as AiSdkPart & Members;
    if (type === "finish") finish = toFinish(name, members);
    if (type === "error") throw toFailure(name, members["error"]);
    if (type === "abort")
      throw new StreamError("provider-failed", `${name} was stopped in the middle of its answer.`);
    yield* toEvents(type, members, calls, executor);
  }
  if (finish === undefined) throw cutOff(name);
  yield finish;
}

function toEvents(
  type: string,
  part: Members,
  calls: Map<string, number>,
  executor: AnswerReading["executor"],
): ProviderEvent[] {
  switch (type) {
    case "text-delta":
    case "reasoning-delta": {
      const text = textOf(part["delta"] ?? part["text"]);
      return text === "" ? [] : [{ type: type === "text-delta" ? "text" : "reasoning", text }];
    }
    case "tool-input-start":
      return begin(textOf(part["id"]), part, calls, executor);
    case "tool-input-delta":
      return takeInput(textOf(part["id"]), textOf(part["delta"]), part, calls);
    case "tool-call": {
      const call = textOf(part["toolCallId"]);
      const begun = begin(call, part, calls, executor);
      const input = typeof part["input"] === "string" ? part["input"] : JSON.stringify(part["input"] ?? {});
      // What came in pieces is not said again.
      return [...begun, ...takeInput(call, calls.get(call) === 0 ? input : "", part, calls)];
    }
    case "tool-result":
    case "tool-error":
    case "tool-output-denied":
      return part["preliminary"] === true ? [] : toOutput(type, part, calls);
    case "source":
      return part["sourceType"] === "url" ? [toSource(part)] : [];
    case "file":
      return [toFile(part)];
    default:
      return [];
  }
}

function begin(
  call: string,
  part: Members,
  calls: Map<string, number>,
  executor: AnswerReading["executor"],
): ProviderEvent[] {
  if (calls.has(call)) return [];
  calls.set(call, 0);
  const isTheirs = executor === "provider" || part["providerExecuted"] === true;
  const tool = textOf(part["toolName"]);
  return [{ type: "tool-call", call, tool, ...(isTheirs && { executor: "provider" as const }) }];
}

function takeInput(call: string, text: string, part: Members, calls: Map<string, number>): ProviderEvent[] {
  const metadata = part["providerMetadata"];
  const isMeant = typeof metadata === "object" && metadata !== null;
  if (text === "" && !isMeant) return [];
  calls.set(call, (calls.get(call) ?? 0) + text.length);
  return [
    {
      type: "tool-input",
      call,
      text,
      ...(isMeant && { providerMetadata: metadata as Record<string, unknown> }), // any object is one
    },
  ];
}

function toOutput(type: string, part: Members, calls: Map<string, number>): ProviderEvent[] {
  const call = textOf(part["toolCallId"]);
  const begun = begin(call, part, calls, "provider");
  switch (type) {
    case "tool-error":
      return [
        ...begun,
        { type: "tool-output", call, output: "The tool failed.", isError: true, error: part["error"] },
      ];
    case "tool-output-denied":
      return [...begun, { type: "tool-output", call, output: "The call was not allowed.", isError: true }];
    default: {
      const output = part["output"] ?? part["result"];
      return [
        ...begun,
        { type: "tool-output", call, output, ...(part["isError"] === true && { isError: true }) },
      ];
    }
  }
}

function toSource({ id, url, title }: Members): ProviderEvent {
  const named = typeof title === "string" ? { title } : {};
  return { type: "part", part: { type: "source-url", source: textOf(id), url: textOf(url), ...named } };
}

/** A file is given as `file` by `streamText`, and as `data` by a model: bytes, base64, or where it is. */
function toFile(part: Members): ProviderEvent {
  const file = recordOf(part["file"]) ?? part;
  const mediaType = textOf(file["mediaType"]);
  const wrapped = recordOf(file["data"]);
  const data = wrapped?.["data"] ?? file["base64"] ?? file["data"];
  const base64 = data instanceof Uint8Array ? toBase64(data) : textOf(data);
  const url = textOf(wrapped?.["url"]) || `data:${mediaType};base64,${base64}`;
  if (url.length > MAX_FILE_LENGTH) {
    throw new StreamError(
      "output-too-large",
      `The model made a file of ${url.length} characters; at most ${MAX_FILE_LENGTH} are taken.`,
    );
  }
  return { type: "part", part: { type: "file", url, mediaType } };
}

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function toFinish(name: string, { finishReason, usage, totalUsage }: Members): ProviderEvent {
  // A word, or since version 3 of the model's interface one with the provider's own beside it.
  const reason = textOf(recordOf(finishReason)?.["unified"] ?? finishReason);
  const counted = toUsage(recordOf(totalUsage ?? usage));
  switch (reason) {
    case "content-filter":
      throw new StreamError(
        "provider-refused",
        `${name} stopped the answer: its content filter objects. Change the question, or choose another model.`,
      );
    case "error":
    case "interrupted":
      throw cutOff(name);
    case "length":
    case "tool-calls":
      return { type: "finish", reason, ...counted };
    default:
      return { type: "finish", reason: "stop", ...counted };
  }
}

function cutOff(name: string): StreamError {
  return new StreamError(
    "provider-failed",
    `${name} ended the answer in the middle. What was written until then is kept; ask again to get a whole answer.`,
  );
}

function toUsage(usage: Members | undefined): { usage?: Usage } {
  const inputTokens = countOf(usage?.["inputTokens"]);
  const outputTokens = countOf(usage?.["outputTokens"]);
  const counted = {
    ...(typeof inputTokens === "number" && { inputTokens }),
    ...(typeof outputTokens === "number" && { outputTokens }),
  };
  return Object.keys(counted).length > 0 ? { usage: counted } : {};
}

/** A number, or since version 3 of the model's interface an object with the total. */
function countOf(value: unknown): unknown {
  return recordOf(value)?.["total"] ?? value;
}

/** What a failure of the AI SDK means; anything else is handed on as it is. */
export function toFailure(name: string, error: unknown): unknown {
  const failure = recordOf(recordOf(error)?.["lastError"]) ?? recordOf(error);
  if (failure === undefined || failure instanceof StreamError) return failure ?? error;
  if (!textOf(failure["name"]).startsWith("AI_")) return failure;
  const detail = textOf(failure["message"]).replace(/\s+/g, " ").trim().slice(0, MAX_DETAIL_LENGTH);
  const said = /[.!?…]$/.test(detail) ? detail : `${detail}.`;
  const status = failure["statusCode"];
  if (typeof status !== "number")
    return new StreamError("provider-failed", `${name} failed: ${said} Try again.`, { cause: error });
  const retryAfter = recordOf(failure["responseHeaders"])?.["retry-after"];
  const { code, what, next } = failureMeaning(status, typeof retryAfter === "string" ? retryAfter : null);
  return new StreamError(code, `${name} ${what} (HTTP ${status}): ${said} ${next}`, { cause: error });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function recordOf(value: unknown): Members | undefined {
  return typeof value === "object" && value !== null ? (value as Members) : undefined; // any object is one
}
