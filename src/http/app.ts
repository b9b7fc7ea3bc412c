import { Hono } from "hono";
import type { Context } from "hono";
import type { Chats } from "../chat/chats.ts";
import type { ModelRegistry } from "../chat/models.ts";
import type { Runner } from "../chat/runner.ts";
import type { Hub } from "../hub/hub.ts";
import type { Presence } from "../hub/presence.ts";
import type { Signals } from "../hub/signals.ts";
import type { Log } from "../log/log.ts";
import { StreamError } from "../protocol/error.ts";
import { encodeSse } from "../protocol/sse-encode.ts";
import { closedEventStream, wantsEvents } from "./event-stream.ts";
import type { Edge } from "./event-stream.ts";
import { setHeader } from "./headers.ts";
import { chatRoutes } from "./chats.ts";
import { checkContentType, checkHost, checkOrigin } from "./guard.ts";
import { isCompletionPath, isOpenAIPath, nameRequest, refuseOpenAI } from "./faces/openai-error.ts";
import { openAIRoutes } from "./faces/openai.ts";
import type { GuardOptions } from "./guard.ts";
import { healthRoutes } from "./health.ts";
import { modelRoutes } from "./models.ts";
import { presenceRoutes } from "./presence.ts";
import { runRoutes } from "./runs.ts";
import { severalStreamsRoutes } from "./several-streams.ts";
import { signalRoutes } from "./signals.ts";
import { streamPromptRoutes } from "./stream-prompt.ts";
import { createStreamReader, streamRoutes } from "./streams.ts";

export interface AppOptions extends GuardOptions {
  log: Log;
  hub: Hub;
  signals: Signals;
  presence: Presence;
  runner: Runner;
  chats: Chats;
  models: ModelRegistry;
  /** Writes to sockets where there are some. */
  edge?: Edge | undefined;
  /** What else is served, such as the pages. */
  pages?: Hono | undefined;
  /** Readers at a time, beyond which the server is overloaded. Default 15,000. */
  maxReaders?: number;
  isDraining?: () => boolean;
  now?: () => number;
}

/** The door: all routes, as a web-standard `fetch` handler. Every refusal has a code from one table. */
export function createApp(options: AppOptions): Hono {
  const {
    log,
    hub,
    signals,
    presence,
    runner,
    chats,
    models,
    edge,
    pages,
    maxReaders = 15_000,
    isDraining = () => false,
    now = Date.now,
  } = options;
  const app = new Hono();

  app.use(async (context, next) => {
    const { raw, path } = context.req;
    if (isOpenAIPath(path)) nameRequest(context);
    checkHost(raw, options);
    const origin = checkOrigin(raw, options);
    if (origin !== undefined) allowOrigin(context, origin);
    if (raw.method === "OPTIONS") return context.body(null, 204);
    checkContentType(raw);
    if (isDraining())
      return shed(context, new StreamError("draining", "The server is stopping. Ask again in a moment."));
    if ((wantsEvents(context) || isCompletionPath(path)) && hub.readers >= maxReaders) {
      return shed(
        context,
        new StreamError(
          "overloaded",
          `${maxReaders} readers are connected, which is the limit. Ask again in a moment.`,
        ),
      );
    }
    return next();
  });
  app.route("/", healthRoutes(log, isDraining));
  const readStream = createStreamReader({ log, hub, presence, edge });
  // Before those of one stream, whose `/v1/streams/*` takes `/v1/streams` too.
  app.route("/", severalStreamsRoutes({ log, hub, presence, edge }));
  app.route("/", streamRoutes({ log, edge, readStream, now }));
  app.route("/", signalRoutes(signals));
  app.route("/", presenceRoutes(presence));
  app.route("/", chatRoutes({ log, chats, readStream, now }));
  app.route("/", runRoutes({ log, runner, now }));
  app.route("/", modelRoutes(models));
  app.route("/", openAIRoutes({ log, hub, runner, edge, now }));
  app.route("/", streamPromptRoutes({ ...options, log, hub, runner, edge, now }));
  if (pages !== undefined) app.route("/", pages);

  app.notFound((context) => {
    const path = new URL(context.req.url).pathname;
    return refuse(
      context,
      new StreamError(
        "route-unknown",
        `${context.req.method} ${path} is nothing here. See PROTOCOL.md for what is.`,
      ),
    );
  });
  app.onError((error, context) => {
    if (error instanceof StreamError) return refuse(context, error);
    console.error(error);
    return refuse(
      context,
      new StreamError("internal", "The server failed at this. It is safe to ask again."),
    );
  });
  return app;
}

/** What EventSource would take for a reason to give up for good is said to it as a short stream instead. */
function shed(context: Context, error: StreamError): Response {
  if (new URL(context.req.url).pathname === "/healthz" || new URL(context.req.url).pathname === "/readyz") {
    return context.json({ status: error.code }, 503);
  }
  if (!wantsEvents(context) || isOpenAIPath(context.req.path)) return refuse(context, error);
  return closedEventStream(context, encodeSse({ retry: 2_000 + Math.round(Math.random() * 6_000) }));
}

function refuse(context: Context, error: StreamError): Response {
  if (isOpenAIPath(context.req.path)) return refuseOpenAI(context, error);
  if (error.isRetryable) context.header("Retry-After", "2");
  return context.json({ error: error.toJSON() }, error.status);
}

function allowOrigin(context: Context, origin: string): void {
  setHeader(context, "Access-Control-Allow-Origin", origin);
  setHeader(context, "Access-Control-Allow-Credentials", "true");
  setHeader(context, "Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, PATCH, DELETE");
  setHeader(
    context,
    "Access-Control-Allow-Headers",
    [...ALLOWED_HEADERS, ...stainlessHeaders(context)].join(", "),
  );
  setHeader(
    context,
    "Access-Control-Expose-Headers",
    "X-Millrace-Run, X-Request-Id, X-Should-Retry, Retry-After",
  );
  setHeader(context, "Vary", "Origin");
}

const ALLOWED_HEADERS = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "Last-Event-ID",
  "OpenAI-Organization",
  "OpenAI-Project",
  "User-Agent",
  "X-Millrace-Persist",
];

/** What the `openai` package says about itself, in more headers with each version. With credentials, `*` would name none. */
function stainlessHeaders(context: Context): string[] {
  const asked = (context.req.header("access-control-request-headers") ?? "").split(",");
  return asked.map((name) => name.trim()).filter((name) => /^x-stainless-[a-z-]{1,60}$/i.test(name));
}
