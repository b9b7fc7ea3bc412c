import { z } from "zod";
import { ERRORS } from "../../protocol/error.ts";
import type { ErrorCode } from "../../protocol/error.ts";
import { SESSION_COOKIE } from "../auth/cookie.ts";
import { errorSchema, openAIErrorSchema } from "./answers.ts";
import { HEADERS, PATH_PARAMETERS, pathOf } from "./operation.ts";
import type { Answer, Operation, Operations } from "./operation.ts";

/** A JSON Schema, as far as it is made and read here. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  $ref?: string;
  [keyword: string]: unknown;
}

interface Content {
  schema: JsonSchema;
  example?: unknown;
}

interface DocumentedParameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description: string;
  schema: JsonSchema;
}

interface DocumentedAnswer {
  description: string;
  headers?: Record<string, { description: string; schema: JsonSchema }>;
  content?: Record<string, Content>;
}

/** An operation as the document has it. */
export interface DocumentedOperation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: DocumentedParameter[];
  requestBody?: { required: boolean; content: Record<string, Content> };
  responses: Record<string, DocumentedAnswer>;
  security?: Security[];
}

/** Ways to say who asks, each of which is enough; `{}`: without one. */
type Security = Record<string, string[]>;

/** An OpenAPI document, as far as it is made here. */
export interface OpenApiDocument {
  openapi: "3.1.1";
  info: {
    title: string;
    version: string;
    description: string;
    license: { name: string; identifier: string };
  };
  servers: { url: string }[];
  tags: { name: string; description: string }[];
  security: Security[];
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, object> };
}

export interface DocumentOptions {
  /** The package's version. */
  version: string;
  /** Where the interface is mounted. Default: at the root. */
  basePath?: string | undefined;
  tags: Record<string, string>;
}

/** Makes the OpenAPI document of operations. Pure.
 *  Source: OpenAPI 3.1.1, https://spec.openapis.org/oas/v3.1.1.html */
export function createDocument(
  operations: Operations,
  { version, basePath = "", tags }: DocumentOptions,
): OpenApiDocument {
  const paths: OpenApiDocument["paths"] = {};
  for (const [route, operation] of Object.entries(operations)) {
    const [method = "", hono = ""] = route.split(" ");
    const path = pathOf(hono);
    paths[path] = { ...paths[path], [method.toLowerCase()]: document(method, path, operation) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Millrace",
      version,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: basePath === "" ? "/" : basePath }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    security: SIGNED_IN,
    paths,
    components: {
      schemas: { Error: schemaOf(errorSchema), OpenAIError: schemaOf(openAIErrorSchema) },
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

/** What stands in PROTOCOL.md under "Who may". The name of the cookie is that of `auth/cookie.ts`. */
const SECURITY_SCHEMES = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "A key of the server's, or a token of an issuer that it trusts.",
  },
  session: {
    type: "apiKey",
    in: "cookie",
    name: SESSION_COOKIE,
    description: "As `POST /v1/session` sets it.",
  },
  ticket: {
    type: "apiKey",
    in: "query",
    name: "ticket",
    description: "For reading, where no header can be sent.",
  },
};
const SIGNED_IN: Security[] = [{}, { bearer: [] }, { session: [] }];
/** What is asked in somebody's name: all else, such as a page, is for everybody. */
const OF_SOMEBODY = /^\/(?:v1|api|stream|metrics|inspect\/data)(?:\/|$)/;
const TAKES_TICKETS = /^\/v1\/streams/;

function securityOf(method: string, path: string): { security?: Security[] } {
  if (!OF_SOMEBODY.test(path)) return { security: [] };
  return method === "GET" && TAKES_TICKETS.test(path) ? { security: [...SIGNED_IN, { ticket: [] }] } : {};
}

const DESCRIPTION =
  "Streams over plain HTTP that lose, double and reorder nothing. What a schema cannot say, such as the order of events and what a cursor promises, stands in PROTOCOL.md of the package.";

function document(method: string, path: string, operation: Operation): DocumentedOperation {
  const { tag, summary, description, body, example } = operation;
  const parameters = parametersOf(path, operation);
  const content = { ...(body && { schema: schemaOf(body) }), ...(example !== undefined && { example }) };
  return {
    operationId: [
      method.toLowerCase(),
      ...path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "" && word !== "v1"),
    ]
      .map((word, at) => (at === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
      .join(""),
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: {
        required: operation.isBodyOptional !== true,
        content: { "application/json": content as Content },
      },
    }),
    responses: { ...answersOf(operation), ...refusalsOf(operation) },
    ...securityOf(method, path),
  };
}

function parametersOf(path: string, { query = {}, headers = [] }: Operation): DocumentedParameter[] {
  const text: JsonSchema = { type: "string" };
  return [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
      name,
      in: "path" as const,
      required: true,
      description: PATH_PARAMETERS[name] ?? "",
      schema: text,
    })),
    ...Object.entries(query).map(([name, { description, schema, isNeeded = false }]) => ({
      name,
      in: "query" as const,
      required: isNeeded,
      description,
      schema: schemaOf(schema),
    })),
    // [OpenAPI 3.1.1, 4.8.12.2.1] a header parameter called Accept is ignored: what it says stands with the answer.
    ...headers
      .filter((name) => name !== "Accept")
      .map((name) => ({
        name,
        in: "header" as const,
        required: false,
        description: HEADERS[name],
        schema: text,
      })),
  ];
}

function answersOf({ answers }: Operation): Record<string, DocumentedAnswer> {
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)]));
}

function answerOf({ description, schema, events, type, headers }: Answer): DocumentedAnswer {
  const content: Record<string, Content> = {
    ...(schema && { "application/json": { schema: schemaOf(schema) } }),
    ...(events !== undefined && {
      "text/event-stream": { schema: { type: "string", description: events } },
    }),
    ...(type !== undefined && { [type]: { schema: { type: "string" } } }),
  };
  return {
    description,
    ...(headers && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, says]) => [
          name,
          { description: says, schema: { type: "string" } },
        ]),
      ),
    }),
    ...(Object.keys(content).length > 0 && { content }),
  };
}

/** Refusals by status, and last whatever any request may be refused with. */
function refusalsOf({ errors = [], errorShape = "Error" }: Operation): Record<string, DocumentedAnswer> {
  const content = { "application/json": { schema: { $ref: `#/components/schemas/${errorShape}` } } };
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errors) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const entries = [...byStatus].map(([status, codes]) => [
    String(status),
    { description: codes.map((code) => `\`${code}\``).join(", "), content },
  ]);
  return {
    ...(Object.fromEntries(entries) as Record<string, DocumentedAnswer>),
    default: { description: "Any other refusal: its `code` says which.", content },
  };
}

/** A schema of ours as JSON Schema, without what says nothing. */
export function schemaOf(schema: z.ZodType): JsonSchema {
  return tidy(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema);
}

function tidy(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema)
    // Every integer of JavaScript has these bounds.
    .filter(([key, value]) => key !== "$schema" && Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER)
    .map(([key, value]) => [key, tidyValue(value)]);
  return Object.fromEntries(entries) as JsonSchema;
}

function tidyValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidyValue);
  return typeof value === "object" && value !== null ? tidy(value as JsonSchema) : value;
}
