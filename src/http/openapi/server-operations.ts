import { z } from "zod";
import { reportSchema } from "../metrics.ts";
import { statusSchema } from "./answers.ts";
import type { Operations } from "./operation.ts";

const importedSchema = z.object({ streams: z.int(), events: z.int(), keys: z.int() });

/** What is asked of the server itself. */
export const SERVER_OPERATIONS: Operations = {
  "GET /healthz": {
    tag: "Server",
    summary: "Whether the process answers",
    answers: { "200": { description: "It does.", schema: statusSchema } },
  },
  "GET /readyz": {
    tag: "Server",
    summary: "Whether it takes requests",
    answers: {
      "200": { description: "It does, and its log can be read.", schema: statusSchema },
      "503": { description: "It is stopping, overloaded, or cannot reach its log.", schema: statusSchema },
    },
  },
  "GET /openapi.json": {
    tag: "Server",
    summary: "This interface, for programs",
    answers: { "200": { description: "OpenAPI 3.1.", schema: z.looseObject({ openapi: z.string() }) } },
  },
  "GET /metrics": {
    tag: "Server",
    summary: "Figures for Prometheus",
    description: "Needs the right `admin`.",
    answers: { "200": { description: "All figures.", type: "text/plain" } },
    errors: ["forbidden"],
  },
  "GET /v1/inspect": {
    tag: "Server",
    summary: "Look at readers and runs",
    description: "Of the node that is asked. Needs the right `admin`.",
    query: { find: { description: "What they hold, such as a stream", schema: z.string() } },
    answers: { "200": { description: "As they stand.", schema: z.looseObject({ at: z.int() }) } },
    errors: ["forbidden"],
  },
  "GET /v1/inspect/streams/*": {
    tag: "Server",
    summary: "Look at what happened to a stream",
    description:
      "Its last events without what they say, who reads it and has read it on this node, and its runs. Needs the right `admin`.",
    answers: { "200": { description: "What is known.", schema: z.looseObject({ at: z.int() }) } },
    errors: ["forbidden", "invalid-name"],
  },
  "POST /v1/inspect/readers/:id/cut": {
    tag: "Server",
    summary: "Cut a reader",
    description: "It comes back with its cursor. Needs the right `admin`.",
    answers: { "204": { description: "It was cut." } },
    errors: ["forbidden", "reader-unknown"],
  },
  "GET /v1/export": {
    tag: "Server",
    summary: "Save streams",
    description: "While they are in use. Needs the right `admin`.",
    query: { stream: { description: "How their names begin; may be repeated", schema: z.string() } },
    answers: { "200": { description: "A JSON object a line.", type: "application/x-ndjson" } },
    errors: ["forbidden"],
  },
  "POST /v1/import": {
    tag: "Server",
    summary: "Put streams back",
    description: "Takes the lines of an export as `application/x-ndjson`. Needs the right `admin`.",
    query: {
      replace: { description: "In the place of streams that are there", schema: z.enum(["true", "false"]) },
    },
    answers: { "200": { description: "How much is back.", schema: importedSchema } },
    errors: ["forbidden", "stream-exists", "body-too-large"],
  },
  "POST /v1/reports": {
    tag: "Server",
    summary: "Report what was delivered wrongly",
    description: "What a client found missing or doubled, and mended: it is counted.",
    body: reportSchema,
    example: { gaps: 1 },
    answers: { "204": { description: "It was counted." } },
  },
  "GET /docs": {
    tag: "Server",
    summary: "This interface, for people",
    answers: { "200": { description: "A page.", type: "text/html" } },
  },
  "GET /docs/api.css": {
    tag: "Server",
    summary: "How that page looks",
    answers: { "200": { description: "Its style.", type: "text/css" } },
  },
};
