import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { createChats } from "./chat/chats.ts";
import type { Chats } from "./chat/chats.ts";
import { discoverLocalServers, environmentProviders } from "./chat/discover.ts";
import { loadGuideDocuments } from "./chat/guide-documents.ts";
import { createGuideProvider } from "./chat/guide.ts";
import { createModelRegistry } from "./chat/models.ts";
import type { ModelRegistry } from "./chat/models.ts";
import type { Provider } from "./chat/provider.ts";
import { createOpenAIProvider as createProvider } from "./chat/openai.ts";
import type { OpenAIProviderOptions } from "./chat/openai.ts";
import { createRecentRuns } from "./chat/recent-runs.ts";
import { faultText } from "./chat/run-reports.ts";
import { createRunLimiter } from "./chat/run-limits.ts";
import type { RunLimits } from "./chat/run-limits.ts";
import { createRunner } from "./chat/runner.ts";
import type { Runner, RunnerOptions } from "./chat/runner.ts";
import type { Tools } from "./chat/tool.ts";
import { createScriptProvider } from "./chat/script.ts";
import { ANSWERER } from "./http/faces/ai-sdk.ts";
import { createApp } from "./http/app.ts";
import type { Principal } from "./http/auth/access.ts";
import { AS, asksWho, createAuthenticator } from "./http/auth/authenticate.ts";
import type { AuthOptions } from "./http/auth/authenticate.ts";
import { createOwners } from "./http/auth/owners.ts";
import type { GuardOptions } from "./http/guard.ts";
import { checkBasePath, insideRequest } from "./http/mount.ts";
import { createNodeEdge, createNodeHandler, listen } from "./http/node.ts";
import type { ConnectionLimits, NodeHandler } from "./http/node.ts";
import { staticRoutes } from "./http/static.ts";
import { createHub } from "./hub/hub.ts";
import type { HubOptions } from "./hub/hub.ts";
import { createPresence } from "./hub/presence.ts";
import type { PresenceOptions } from "./hub/presence.ts";
import { createSignals } from "./hub/signals.ts";
import type { SignalsOptions } from "./hub/signals.ts";
import { createBus } from "./log/bus.ts";
import { openLmdbLog } from "./log/lmdb.ts";
import type { Log } from "./log/log.ts";
import { createMemoryLog } from "./log/memory.ts";
import { ignoreUnavailable } from "./log/unavailable.ts";
import { nodeFetch } from "./server-fetch.ts";
import { createLogger } from "./server-log-lines.ts";
import type { Logger } from "./server-log-lines.ts";
import { createMetrics } from "./server-metrics.ts";
import { traceRun } from "./server-trace.ts";
import { countAppends, createTally, publishFigures } from "./server-figures.ts";
import { answererOf, createRunCall } from "./server-run.ts";
import type { GenerationSource, RunCall } from "./server-run.ts";
import { createStreams } from "./server-streams.ts";
import type { Streams } from "./server-streams.ts";

export type { GenerateRequest, Model, PromptMessage, Provider, ProviderEvent } from "./chat/provider.ts";
export { createAiSdkProvider, toMillrace, toModelMessages } from "./chat/ai-sdk.ts";
export type { AiSdkModel, AiSdkProviderOptions } from "./chat/ai-sdk.ts";
export { defineTool } from "./chat/tool.ts";
export type { Tool, ToolContext, Tools } from "./chat/tool.ts";
export type { AppendOutcome, Log, NewEvent, StreamInfo } from "./log/log.ts";
export { DataFolderError, readOwner } from "./log/lmdb-folder.ts";
export { RedisLogError } from "./log/redis-url.ts";
export type { FetchFunction, NodeHandler } from "./http/node.ts";
export { createNodeHandler as toNodeHandler } from "./http/node.ts";
export type { Principal } from "./http/auth/access.ts";
export type { AuthOptions, Authorize } from "./http/auth/authenticate.ts";
export type { RunLimits } from "./chat/run-limits.ts";
export type { JwtOptions } from "./http/auth/jwt.ts";
export { createKey } from "./http/auth/keys.ts";
export type { KeyRecord, KeyStore } from "./http/auth/keys.ts";
export { isPerson } from "./http/auth/person.ts";
export { parseScopes } from "./http/auth/scopes.ts";
export type { Scope } from "./http/auth/scopes.ts";
export { KeyFileError, changeKeys, openKeyFile, readKeys } from "./server-keys.ts";
export { LOG_LEVELS, createLogger } from "./server-log-lines.ts";
export type { LogLevel, Logger, LoggerOptions } from "./server-log-lines.ts";
export { StreamError } from "./protocol/error.ts";
export type {
  CalledRun,
  Generation,
  GenerationRequest,
  GenerationSource,
  RunCall,
  RunCallOptions,
} from "./server-run.ts";
export { StreamResetError } from "./server-streams.ts";
export type { AppendCallOptions, ReadCallOptions, ReadEvent, Streams } from "./server-streams.ts";
export { parseStreamName } from "./protocol/names.ts";

/** Makes the provider of any OpenAI-compatible server, asked through Node's own client. */
export function createOpenAIProvider(options: OpenAIProviderOptions): Provider {
  return createProvider({ ...options, fetch: options.fetch ?? nodeFetch });
}

export interface ServerOptions extends GuardOptions {
  /** `memory`: kept as long as the process; `lmdb`: kept in `data`; the address of a Redis, which any number of servers share; or a
   *  log of your own. Default `lmdb`. */
  log?: "memory" | "lmdb" | RedisUrl | Log;
  /** The data folder. Default `.millrace`. */
  data?: string;
  /** Where answers come from, before the built-in ones. */
  providers?: readonly Provider[];
  /** The model that answers when a request names none. */
  model?: string;
  /** Offers the model `script`, a deterministic generator for tests. Default false. */
  isDev?: boolean;
  /** Asks the model that gave a chat's first answer for a title, once per chat: at most 2,000 characters of what was said, and 60
   *  tokens. A model that is built in is never asked. Default false. */
  asksForTitles?: boolean;
  /** Looks for model servers on this machine, and for keys in the environment. Default false. */
  discovers?: boolean;
  /** The path under which another server mounts this one, such as `/millrace`; requests that were relieved of it are answered, too.
   *  Default: none. */
  basePath?: string;
  /** Serves the page at `/`, or at `basePath`. Default true, and false with `basePath`. */
  hasPages?: boolean;
  /** Publishes what the server does, once a second, in the stream `sys/server`. Default false. */
  publishesFigures?: boolean;
  /** Where it says what happens, such as pino. Default: failures to standard error, one JSON object a line. */
  logger?: Logger;
  /** Who may what. Default: everybody everything, so that it listens on loopback only. */
  auth?: AuthOptions;
  /** What a person may cost. */
  limits?: RunLimits;
  /** Lets it listen where others can reach it though nobody has to sign in. Default false. */
  isInsecure?: boolean;
  /** Readers at a time, beyond which who comes is told when to come back. Default 15,000. */
  maxReaders?: number;
  /** Of what it listens on itself. */
  connections?: ConnectionLimits;
  hub?: HubOptions;
  signals?: SignalsOptions;
  presence?: PresenceOptions;
  runner?: RunnerOptions;
  /** Functions that models may call, and this server runs, by their names. Default: none. */
  tools?: Tools;
}

/** `redis://[user:password@]host[:port][/db][?prefix=millrace]`, `rediss://` with TLS; masters of a Cluster with commas between. */
export type RedisUrl = `redis://${string}` | `rediss://${string}`;

/** Where people sign in. */
const DEFAULT_LIMITS: RunLimits = { runsPerMinute: 60, tokensPerDay: 2_000_000, openRuns: 20 };

/** Between two looks for runs whose node has died, in milliseconds. */
const RECOVER_MS = 250;

/** A Millrace server: its parts, and the same app for every way of calling it. */
export interface MillraceServer extends Streams {
  /** Runs a generation of the caller's own, into a stream of its own or a chat. */
  readonly run: RunCall;
  readonly log: Log;
  readonly runner: Runner;
  readonly chats: Chats;
  readonly models: ModelRegistry;
  /** Web-standard: for Bun, Deno, Hono, Next and tests.
   *  Shape: `env` is what `toNodeHandler` hands on, so that events go to the socket itself; elsewhere it is passed over. */
  fetch(request: Request, env?: object): Promise<Response>;
  /** The same in the name of somebody, whatever the request says: for code of your own in this process. */
  fetchAs(principal: Principal, request: Request): Promise<Response>;
  /** Answers what `useChat` of the AI SDK posts with a generation of the caller's own, such as `toMillrace(streamText(…))`: kept in the chat, and apart
   *  from the request. Who asks is found out as ever, or is `principal`. */
  answer(request: Request, source: GenerationSource, principal?: Principal): Promise<Response>;
  /** For Node's http server, Express, Fastify and what else has Node's request and response. */
  readonly handler: NodeHandler;
  /** Listens; resolves with the address. Port 0: a free one. Default host `127.0.0.1`. Errors: Node's, such as `EADDRINUSE`; InsecureError
   *  for an address that others can reach, where nobody has to sign in. */
  listen(port: number, host?: string): Promise<string>;
  /** Readers at this moment. */
  readonly readers: number;
  /** Runs that a dead process had left open, and that were ended as `interrupted` at the start. Of a log that is shared, any server ends
   *  those of one that died, within five seconds. */
  readonly recoveredRuns: number;
  /** Makes ready for `close` where other servers take over: it is not ready any more, starts nothing new, ends its readers evenly over
   *  `windowMs`, and gives its runs `graceMs` to end by themselves. Default: 20,000 each. */
  drain(options?: { windowMs?: number; graceMs?: number }): Promise<void>;
  /** Ends readers (they come back), ends open runs as `interrupted`, and gives the data folder back. */
  close(): Promise<void>;
}

/** Makes a server: log, hub, runner and door, wired.
 *  Done:   the data folder is taken, and what a dead process left open has ended.
 *  Errors: DataFolderError where the folder is in use, or of another format; RedisLogError where a Redis cannot be used. */
export async function createServer(options: ServerOptions = {}): Promise<MillraceServer> {
  const {
    log: wanted = "lmdb",
    data = ".millrace",
    isDev = false,
    discovers = false,
    hasPages = options.basePath === undefined,
    publishesFigures = false,
  } = options;
  const basePath = checkBasePath(options.basePath ?? "");
  const lmdb = wanted === "lmdb" ? await openLmdbLog({ directory: data }) : undefined;
  // Its driver is loaded where it is used: it weighs as much as all else.
  const redis = isRedisUrl(wanted)
    ? await (await import("./log/redis.ts")).openRedisLog({ url: wanted })
    : undefined;
  const own = lmdb ?? redis ?? (typeof wanted === "object" ? wanted : createMemoryLog());
  const tally = createTally();
  const metrics = createMetrics();
  const recent = createRecentRuns();
  const logger = options.logger ?? createLogger();
  const log = countAppends(own, tally, metrics.onAppendTimed);
  const providers = [
    ...(options.providers ?? []),
    ...(discovers ? await discoverLocalServers({ fetch: nodeFetch }) : []),
    ...(discovers ? environmentProviders(process.env, { fetch: nodeFetch }) : []),
    createGuideProvider({ documents: await loadGuideDocuments(new URL("../dist/docs/", import.meta.url)) }),
    ...(isDev ? [createScriptProvider()] : []),
  ];
  const models = createModelRegistry(providers, { configured: options.model });
  const onFirstDelta = (ms: number) => {
    tally.firstDeltas.push(ms);
    options.runner?.onFirstDelta?.(ms);
  };
  const hub = createHub(log, options.hub);
  const bus = redis?.bus ?? createBus();
  const signals = createSignals(bus, hub, options.signals);
  const presence = createPresence(bus, hub, options.presence);
  const limits = { ...(asksWho(options.auth ?? {}) && DEFAULT_LIMITS), ...options.limits };
  const isLimited = Object.values(limits).some((limit) => limit > 0);
  const limiter = isLimited ? await createRunLimiter(own, limits) : undefined;
  const runner = createRunner(log, models, {
    bus,
    limiter,
    ...options.runner,
    ...(options.tools !== undefined && { tools: options.tools }),
    ...(publishesFigures && { onFirstDelta }),
    onBegin(began) {
      logger.info(began, "run began");
      options.runner?.onBegin?.(began);
    },
    onEnd(ended) {
      metrics.onRunEnd(ended);
      recent.onEnd(ended);
      traceRun(ended);
      if (ended.reason === "error") logger.warn(ended, "run failed");
      else logger.info(ended, "run ended");
      options.runner?.onEnd?.(ended);
    },
    onTakenOver(run) {
      metrics.onLeaseExpired(1);
      logger.warn({ ...run }, "a run goes on here, since its process was gone");
      options.runner?.onTakenOver?.(run);
    },
    onFault(fault) {
      const { error, ...run } = fault;
      logger.error({ ...run, err: error }, faultText(fault.tool));
      options.runner?.onFault?.(fault);
    },
    onWarning(warning) {
      const { message, ...run } = warning;
      logger.warn(run, message);
      options.runner?.onWarning?.(warning);
    },
  });
  const chats = createChats(log, runner, { titleModels: options.asksForTitles ? models : undefined });
  const recover = async () => {
    const [runs, answers] = await Promise.all([runner.recover(), chats.recover()]);
    if (runs + answers > 0) {
      metrics.onLeaseExpired(runs + answers);
      logger.warn({ runs: runs + answers }, "runs ended, since their process was gone");
    }
    return runs + answers;
  };
  const recoveredRuns = await recover();
  const recovering = own.deadWriters && repeat(recover, RECOVER_MS);
  let isDraining = false;
  let server: Server | undefined;
  const authenticator = createAuthenticator(options.auth ?? {}, {
    owners: createOwners(log, chats),
    now: Date.now,
  });
  const version = readVersion();
  const app = createApp({
    ...options,
    authenticator,
    logger,
    runs: () => [...recent.list(), ...runner.look()].toReversed(),
    metrics: {
      render: () => metrics.render({ hub, runner, tally, version }),
      onReport: metrics.onReport,
    },
    log,
    hub,
    signals,
    presence,
    runner,
    chats,
    models,
    edge: createNodeEdge(tally),
    version,
    basePath,
    pages: hasPages ? staticRoutes(new URL("../dist/web/", import.meta.url), basePath) : undefined,
    isDraining: () => isDraining,
  });
  const fetch = async (request: Request, env?: object) => app.fetch(insideRequest(request, basePath), env);
  const handler = createNodeHandler(fetch, basePath);
  const figures = publishesFigures ? publishFigures({ log: own, hub, runner, tally }) : undefined;

  return {
    // Through the log that counts, where one does.
    ...createStreams(log),
    run: createRunCall(runner, chats),
    log: own,
    runner,
    chats,
    models,
    recoveredRuns,
    handler,
    // Of other runtimes' second argument, such as Bun's server, nothing is wanted.
    fetch,
    fetchAs: (principal, request) => fetch(request, { [AS]: principal }),
    answer: (request, source, principal) =>
      fetch(new Request(new URL(`${basePath}/api/chat`, request.url), request), {
        [ANSWERER]: answererOf(source),
        ...(principal !== undefined && { [AS]: principal }),
      }),
    get readers() {
      return hub.readers;
    },
    async listen(port, host = "127.0.0.1") {
      if (!LOOPBACK.test(host) && !authenticator.isOn && options.isInsecure !== true)
        throw new InsecureError(host);
      const listening = await listen(handler, port, host, options.connections);
      server = listening.server;
      const url = `http://${host.includes(":") ? `[${host}]` : host}:${listening.port}`;
      lmdb?.announce(url);
      return url;
    },
    async drain({ windowMs = 20_000, graceMs = 20_000 } = {}) {
      isDraining = true;
      await Promise.all([hub.drain(windowMs), runner.drain(graceMs)]);
    },
    async close() {
      isDraining = true;
      figures?.stop();
      recovering?.stop();
      authenticator.close();
      limiter?.close();
      const closed = server && new Promise((resolve) => server?.close(resolve));
      await runner.close();
      chats.close();
      signals.close();
      presence.close();
      hub.close();
      server?.closeIdleConnections();
      // Who keeps a connection open without a request has had its answer.
      const cut = setTimeout(() => server?.closeAllConnections(), 500);
      await closed;
      clearTimeout(cut);
      await log.close();
    },
  };
}

/** The package's own version: its package.json lies above the sources as above what is built of them. */
function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version; // it is ours
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** It would have listened where others can reach it, and nobody would have had to sign in. */
export class InsecureError extends Error {
  override name = "InsecureError";
  constructor(host: string) {
    super(`${host} can be reached from elsewhere, and nobody has to sign in here.`);
  }
}

function isRedisUrl(log: unknown): log is RedisUrl {
  return typeof log === "string" && /^rediss?:\/\//.test(log);
}

/** Does something again and again, one at a time. While the log is away, it is done later. */
function repeat(work: () => Promise<unknown>, everyMs: number): { stop: () => void } {
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void work()
      .catch(ignoreUnavailable)
      .finally(() => (isBusy = false));
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
