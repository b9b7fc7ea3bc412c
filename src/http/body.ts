import type { Context } from "hono";
import type { z } from "zod";
import { StreamError } from "../protocol/error.ts";

/** A body is at most this long, in bytes. */
const MAX_BODY_BYTES = 4 * 1_048_576;

const KEY = /^[\x21-\x7e]{1,128}$/;

/** Reads a body as JSON. Errors: `body-too-large` 413, `invalid-json` 400. */
export async function readJson(context: Context): Promise<{ text: string; value: unknown }> {
  const text = await readText(context);
  return { text, value: parseJson(text) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StreamError(
      "invalid-json",
      `The body is not JSON: ${error instanceof Error ? error.message : ""}`,
      {
        cause: error,
      },
    );
  }
}

/** Reads a body and checks its shape; unknown members are refused by name. No body at all is `whenEmpty`, where that is given.
 *  Units:  `maxBytes`, default 4 MiB.
 *  Errors: those of `readJson`, `invalid-request` 400. */
export async function readBody<T>(
  context: Context,
  schema: z.ZodType<T>,
  whenEmpty?: T,
  maxBytes?: number,
): Promise<{ text: string; body: T }> {
  const text = await readText(context, maxBytes);
  if (text === "" && whenEmpty !== undefined) return { text, body: whenEmpty };
  const value = parseJson(text);
  const parsed = schema.safeParse(value);
  if (parsed.success) return { text, body: parsed.data };
  const [issue] = parsed.error.issues;
  const at = issue === undefined || issue.path.length === 0 ? "The body" : issue.path.join(".");
  throw new StreamError("invalid-request", `${at}: ${issue?.message ?? "has another shape than documented"}`);
}

/** The Idempotency-Key of a request: 1 to 128 visible ASCII characters. Errors: `invalid-key` 400. */
export function idempotencyKey(context: Context): string | undefined {
  const key = context.req.header("idempotency-key");
  if (key === undefined || KEY.test(key)) return key;
  throw new StreamError(
    "invalid-key",
    "An Idempotency-Key has 1 to 128 visible ASCII characters, no spaces.",
  );
}

async function readText(context: Context, maxBytes = MAX_BODY_BYTES): Promise<string> {
  const { raw } = context.req;
  // What says its length is no longer than that, and can be read without a web stream: a third of the cost of an append.
  const length = raw.headers.has("transfer-encoding") ? null : raw.headers.get("content-length");
  if (Number(length) > maxBytes) throw tooLarge(maxBytes);
  if (length !== null) return raw.text();
  const { body } = raw;
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(maxBytes: number): StreamError {
  return new StreamError("body-too-large", `Here a body has at most ${maxBytes} bytes. Send it in parts.`);
}
