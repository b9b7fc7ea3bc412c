import { z } from "zod";
import { presenceSchema } from "../presence.ts";
import { signalSchema } from "../signals.ts";
import { MAX_EVENTS, createSchema } from "../streams.ts";
import { secretSchema } from "../who.ts";
import {
  appendedSchema,
  event,
  pageSchema,
  presentSchema,
  renewedSchema,
  signalledSchema,
  streamInfoSchema,
} from "./answers.ts";
import type { Operations, Parameter } from "./operation.ts";

/** Where reading begins. */
export const after: Parameter = {
  description:
    "A cursor, or a set of them where several streams are read; `start` or `now`. Default `start`.",
  schema: z.string(),
};
const browser: Parameter = {
  description: "Keeps this browser present while the connection is open.",
  schema: secretSchema,
};
const live: Parameter = {
  description: "`1`: as events, as with `Accept: text/event-stream`.",
  schema: z.literal("1"),
};
const names = (description: string): Parameter => ({ description, schema: z.array(z.string()).max(32) });

/** Streams, and what is told to their readers beside the log. */
export const STREAM_OPERATIONS: Operations = {
  "PUT /v1/streams/*": {
    tag: "Streams",
    summary: "Create a stream",
    description: "The same again changes nothing.",
    body: createSchema,
    example: { kind: "state" },
    answers: {
      "201": { description: "It was made.", schema: streamInfoSchema },
      "200": { description: "It was there, as it is.", schema: streamInfoSchema },
    },
    errors: ["invalid-name", "reserved-name", "kind-conflict"],
  },
  "POST /v1/streams/*": {
    tag: "Streams",
    summary: "Append events",
    description: `One event, or an array of up to ${MAX_EVENTS.toLocaleString("en-US")}, in one commit. A stream that does not exist is made as a \`log\`. In a \`state\` stream each event has a \`key\`, and replaces the former one of that key.`,
    query: {
      close: {
        description: "`true`: closes the stream with these events, which may then be none: `[]`.",
        schema: z.enum(["true", "false"]),
      },
    },
    headers: ["Idempotency-Key"],
    body: z
      .union([event, z.array(event).max(MAX_EVENTS)])
      .describe(
        "A JSON object, or an array of them. Two members mean something: `type`, what it is, and in a `state` stream `key`.",
      ),
    example: { type: "score", home: 2 },
    answers: {
      "201": {
        description: "Committed: they survive a kill of the server.",
        schema: appendedSchema,
        headers: { "Idempotency-Replayed": "`true`: this is the first answer again." },
      },
    },
    errors: [
      "invalid-event",
      "invalid-name",
      "reserved-name",
      "stream-closed",
      "too-many-keys",
      "event-too-large",
      "key-reused",
      "log-full",
    ],
  },
  "GET /v1/streams/*": {
    tag: "Streams",
    summary: "Read a stream",
    description:
      "A page of up to 1,000 events as JSON; or, where `Accept` names `text/event-stream`, what there is and then what comes. A stream that does not exist is 404 as JSON, and as events it waits for its first one. HEAD answers `Stream-Head` and `Stream-Closed`.",
    query: {
      after,
      live,
      browser,
      last_event_id: { ...after, description: "As the header `Last-Event-ID`." },
    },
    headers: ["Last-Event-ID", "Accept"],
    answers: {
      "200": {
        description: "Events, from the cursor on.",
        schema: pageSchema,
        events:
          "Data events are unnamed, one JSON object each, with their cursor as `id`. Named events tell of the connection: `stream-start`, `stream-caught-up`, `stream-reset`, `stream-end`, `ping`.",
      },
      "204": { description: "The stream is closed and the cursor is at its end: nothing more comes." },
    },
    errors: ["invalid-name", "invalid-cursor", "stream-unknown"],
  },
  "DELETE /v1/streams/*": {
    tag: "Streams",
    summary: "Delete a stream",
    answers: { "204": { description: "It is gone. Readers are told `stream-end`." } },
    errors: ["invalid-name", "reserved-name", "stream-unknown"],
  },
  "GET /v1/streams": {
    tag: "Streams",
    summary: "Read several streams over one connection",
    description: "As events only. The `id` is the set of all cursors.",
    query: {
      stream: names("A stream to read, up to 32 times."),
      listen: names("A stream of which only signals and presence are told, up to 32 times."),
      after,
      live,
      browser,
      last_event_id: { ...after, description: "As the header `Last-Event-ID`." },
    },
    headers: ["Last-Event-ID", "Accept"],
    answers: {
      "200": {
        description: "Events of all streams.",
        events: 'Each data event says whose it is: `{"stream": "scores", "event": {…}}`.',
      },
      "204": { description: "All are closed and read." },
    },
    errors: ["invalid-name", "invalid-cursor", "invalid-request"],
  },
  "POST /v1/signals/*": {
    tag: "Signals and presence",
    summary: "Tell those who read a stream now",
    description:
      "It is in no log. It holds for some seconds: send it again each 3 seconds while it does, and with `stop` at its end.",
    body: signalSchema,
    example: { kind: "typing" },
    answers: { "202": { description: "It is on its way.", schema: signalledSchema } },
    errors: ["invalid-name", "reserved-name", "chat-unknown", "chat-deleted", "too-many-signals"],
  },
  "POST /v1/presence/*": {
    tag: "Signals and presence",
    summary: "Say that I am here",
    description: "A lease, to be renewed each `renewMs`; with `leave` it ends.",
    body: presenceSchema,
    example: { data: { name: "Ada" } },
    answers: { "200": { description: "Who is here now.", schema: renewedSchema } },
    errors: ["invalid-name", "reserved-name", "chat-unknown", "chat-deleted", "too-many-people"],
  },
  "GET /v1/presence/*": {
    tag: "Signals and presence",
    summary: "See who is here",
    query: { browser: { ...browser, description: "Also answers who this browser is." } },
    answers: { "200": { description: "Who is here now.", schema: presentSchema } },
    errors: ["invalid-name", "chat-unknown", "chat-deleted"],
  },
};
