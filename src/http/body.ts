import type { Context } from "hono";
import type { z } from "zod";
import { StreamError } from "../protocol/error.ts";

/** A body is at most this long, in bytes. */
const MAX_BODY_BYTES = 4 * 1_048_576;

/** A body is nested at most so deep. */
const MAX_DEPTH = 200;

const KEY = /^[\x21-\x7e]{1,128}$/;

/** Reads a body as JSON. Errors: `body-too-large` 413, `invalid-json` 400. */
export async function readJson(context: Context): Promise<{ text: string; value: unknown }> {
  const text = await readText(context);
  return { text, value: parseJson(text) };
}

function parseJson(text: string): unknown {
  if (text.length > 2 * MAX_DEPTH && isNestedDeeper(text, MAX_DEPTH))
    throw new StreamError(
      "invalid-json",
      `The body is nested more than ${MAX_DEPTH} levels deep. Flatten it.`,
    );
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

/** Whether some value of a JSON text stands deeper than that. A text of nothing but brackets costs the parser a second for each 4 MiB, and
 *  whoever writes or folds what it held runs out of stack: counted first, it costs some milliseconds. */
function isNestedDeeper(text: string, levels: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // A string: on to its end, past what is escaped.
        for (at += 1; at < text.length && text.charCodeAt(at) !== 0x22; at++)
          if (text.charCodeAt(at) === 0x5c) at += 1;
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        if (depth > levels) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
    }
  }
  return false;
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
  const { body } = length === null ? raw : { body: null };
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    if (length !== null) return await raw.text();
    if (body === null) return "";
    for await (const chunk of body as ReadableStream<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof StreamError) throw error;
    // Nobody reads this: who sent it has gone, or took too long. It is no failure of the server.
    throw new StreamError("invalid-request", "The body was cut. Send it again.", { cause: error });
  }
}

function tooLarge(maxBytes: number): StreamError {
  return new StreamError("body-too-large", `Here a body has at most ${maxBytes} bytes. Send it in parts.`);
}
