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
import { IMPORT_PATH, backupRoutes } from "./backup.ts";
import { setHeader } from "./headers.ts";
import type { Authenticator } from "./auth/authenticate.ts";
import { sessionRoutes } from "./auth/session.ts";
import { ticketRoutes } from "./auth/tickets.ts";
import { chatRoutes } from "./chats.ts";
import { checkContentType, checkHost, checkOrigin } from "./guard.ts";
import { aiSdkRoutes, isUiStreamPath } from "./faces/ai-sdk.ts";
import { isCompletionPath, isOpenAIPath, refuseOpenAI } from "./faces/openai-error.ts";
import { inspectRoutes } from "./inspect.ts";
import type { InspectOptions } from "./inspect.ts";
import { metricsRoutes } from "./metrics.ts";
import type { MetricsOptions } from "./metrics.ts";
import { createRecentReports } from "./recent-reports.ts";
import { redactUrl } from "./redact-url.ts";
import { nameRequest } from "./request-id.ts";
import { openAIRoutes } from "./faces/openai.ts";
import type { GuardOptions } from "./guard.ts";
import { healthRoutes } from "./health.ts";
import { modelRoutes } from "./models.ts";
import { openApiRoutes } from "./openapi/routes.ts";
import { presenceRoutes } from "./presence.ts";
import { runRoutes } from "./runs.ts";
import { severalStreamsRoutes } from "./several-streams.ts";
import { signalRoutes } from "./signals.ts";
import { streamPromptRoutes } from "./stream-prompt.ts";
import { createStreamReader, streamRoutes } from "./streams.ts";
import { timelineRoutes } from "./timeline.ts";

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
  /** The package's version, for the interface's description. Default `0.0.0`. */
  version?: string;
  /** Where all of this is mounted. Default: at the root. */
  basePath?: string | undefined;
  /** What else is served, such as the pages. */
  pages?: Hono | undefined;
  /** Readers at a time, beyond which the server is overloaded. Default 15,000. */
  maxReaders?: number;
  isDraining?: () => boolean;
  now?: () => number;
  /** Finds out who asks. */
  authenticator: Authenticator;
  metrics: MetricsOptions;
  runs: InspectOptions["runs"];
  /** Hears what fails, and at the level `debug` of each request. */
  logger: RequestLogger;
}

export interface RequestLogger {
  debug(members: object, message: string): void;
  error(members: object, message: string): void;
  isLevelEnabled(level: string): boolean;
}

/** Addresses of data: nobody gets there who is not known. Pages are for everybody, and so is what tells how to sign in. Under
 *  `/stream` a refusal is said in the stream. */
const OF_DATA = /^\/(?:v1|api|metrics|inspect\/data)(?:\/|$)/;
const OPEN = new Set(["/v1/session"]);

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
    authenticator,
    logger,
    edge,
    pages,
    maxReaders = 15_000,
    isDraining = () => false,
    now = Date.now,
  } = options;
  const app = new Hono();
  const reports = createRecentReports();
  const onReport: MetricsOptions["onReport"] = (report, by) => {
    options.metrics.onReport(report, by);
    reports.add({ ...report, ...by, at: now() });
  };

  app.use(async (context, next) => {
    const { raw, path } = context.req;
    const request = nameRequest(context);
    if (logger.isLevelEnabled("debug"))
      logger.debug({ request, method: raw.method, url: redactUrl(raw.url) }, "request");
    checkHost(raw, options);
    const origin = checkOrigin(raw, options);
    if (origin !== undefined) allowOrigin(context, origin);
    if (raw.method === "OPTIONS") return context.body(null, 204);
    if (path !== IMPORT_PATH) checkContentType(raw);
    if (isDraining())
      return shed(context, new StreamError("draining", "The server is stopping. Ask again in a moment."));
    const isReader = wantsEvents(context) || isCompletionPath(path) || isUiStreamPath(path);
    if (isReader && hub.readers >= maxReaders) {
      return shed(
        context,
        new StreamError(
          "overloaded",
          `${maxReaders} readers are connected, which is the limit. Ask again in a moment.`,
        ),
      );
    }
    await authenticator.admit(context, OPEN.has(path) || !OF_DATA.test(path));
    return next();
  });
  app.route("/", healthRoutes(log, isDraining));
  app.route("/", sessionRoutes(authenticator));
  app.route("/", ticketRoutes(authenticator.signer, now));
  const readStream = createStreamReader({ log, hub, presence, edge });
  // Before those of one stream, whose `/v1/streams/*` takes `/v1/streams` too.
  app.route("/", severalStreamsRoutes({ log, hub, presence, edge }));
  app.route("/", streamRoutes({ log, edge, readStream, now }));
  app.route("/", signalRoutes(signals, chats));
  app.route("/", presenceRoutes(presence, chats));
  app.route("/", chatRoutes({ log, chats, readStream, now }));
  app.route("/", runRoutes({ log, runner, now }));
  app.route("/", metricsRoutes({ ...options.metrics, onReport }));
  app.route("/", inspectRoutes({ hub, runs: options.runs, reports: reports.list }));
  app.route("/", timelineRoutes({ log, hub, runs: options.runs, reports: reports.list }));
  app.route("/", backupRoutes(log));
  app.route("/", modelRoutes(models));
  app.route("/", aiSdkRoutes({ log, hub, chats, edge, now }));
  app.route("/", openAIRoutes({ log, hub, runner, edge, now }));
  app.route("/", streamPromptRoutes({ ...options, log, hub, runner, edge, now }));
  app.route("/", openApiRoutes({ version: options.version ?? "0.0.0", basePath: options.basePath }));
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
    if (error instanceof StreamError)
      return error.isRetryable ? shed(context, error) : refuse(context, error);
    const { method, url } = context.req;
    logger.error(
      { request: context.get("requestId"), method, url: redactUrl(url), err: error },
      "a request failed",
    );
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
  const { path } = context.req;
  if (!wantsEvents(context) || isOpenAIPath(path) || isUiStreamPath(path)) return refuse(context, error);
  return closedEventStream(context, encodeSse({ retry: 2_000 + Math.round(Math.random() * 6_000) }));
}

function refuse(context: Context, error: StreamError): Response {
  if (isOpenAIPath(context.req.path)) return refuseOpenAI(context, error);
  if (error.isRetryable)
    context.header("Retry-After", String(Math.ceil((error.retryAfterMs ?? 2_000) / 1_000)));
  if (error.status === 401) context.header("WWW-Authenticate", "Bearer");
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
    "X-Millrace-Message, X-Millrace-Run, X-Request-Id, X-Should-Retry, Retry-After",
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
