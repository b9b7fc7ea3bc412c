import type { z } from "zod";
import type { ErrorCode } from "../../protocol/error.ts";

/** What is documented of the HTTP interface: an operation for each route, by its method and its path as Hono knows it, such as
 *  `POST /v1/chats/:chat/messages`. A route that is in no table fails `test/docs/openapi.test.ts`. */
export type Operations = Record<string, Operation>;

/** One operation, for people and for programs. */
export interface Operation {
  /** The part of the interface that it belongs to: one of `TAGS`. */
  tag: string;
  /** What it does, in a few words without a full stop. */
  summary: string;
  /** What else there is to know; sentences, with `code` in backticks. */
  description?: string;
  query?: Record<string, Parameter>;
  /** Request headers that mean something here, beside those of every request. */
  headers?: readonly HeaderName[];
  /** The schema that checks the body. */
  body?: z.ZodType;
  /** Whether a body may be left out. Default false. */
  isBodyOptional?: boolean;
  /** A body as one would send it, shown as a curl line. */
  example?: unknown;
  /** By status. */
  answers: Record<string, Answer>;
  /** Refusals of its own, beside those that any request may get. */
  errors?: readonly ErrorCode[];
  /** The shape of its refusals. Default `Error`. */
  errorShape?: "Error" | "OpenAIError";
}

export interface Parameter {
  description: string;
  schema: z.ZodType;
  isNeeded?: boolean;
}

export interface Answer {
  description: string;
  /** The shape of a JSON body. Absent: none. */
  schema?: z.ZodType;
  /** What comes as `text/event-stream`, in a sentence. */
  events?: string;
  /** Another type of content that it may come as, such as `text/html`. */
  type?: string;
  /** Headers of the answer, and what they say. */
  headers?: Record<string, string>;
}

/** Request headers, and what they mean wherever they mean something. */
export const HEADERS = {
  "Idempotency-Key":
    "The same key with the same body gets the first answer again: 1 to 128 visible ASCII characters, kept for 24 hours.",
  "Last-Event-ID": "The cursor of the last event that the reader has. It wins over `after`.",
  "X-Millrace-Persist": "`1` or `true`: the run goes on when this request is left.",
  Accept: "`text/event-stream` for events.",
} as const;

export type HeaderName = keyof typeof HEADERS;

/** What stands in a path. */
export const PATH_PARAMETERS: Record<string, string> = {
  name: "A stream: 1 to 8 segments of `A-Z a-z 0-9 . _ ~ -` joined by `/`, which are written plainly, at most 200 characters.",
  chat: "A chat, as `POST /v1/chats` answered it.",
  run: "A run.",
  id: "A model, as `GET /v1/models` lists it; it may hold slashes.",
};

/** A path as OpenAPI writes it: `/v1/chats/{chat}/messages`. */
export function pathOf(route: string): string {
  return route.replace(/\/\*$/, "/{name}").replace(/:(\w+)(?:\{[^/]*\})?/g, "{$1}");
}
