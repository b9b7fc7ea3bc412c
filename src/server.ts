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
import { createRunner } from "./chat/runner.ts";
import type { Runner, RunnerOptions } from "./chat/runner.ts";
import { createScriptProvider } from "./chat/script.ts";
import { createApp } from "./http/app.ts";
import type { GuardOptions } from "./http/guard.ts";
import { createNodeEdge, createNodeHandler, listen } from "./http/node.ts";
import type { NodeHandler } from "./http/node.ts";
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
import { nodeFetch } from "./server-fetch.ts";
import { countAppends, createTally, publishFigures } from "./server-figures.ts";

export type { GenerateRequest, Model, PromptMessage, Provider, ProviderEvent } from "./chat/provider.ts";
export type { AppendOutcome, Log, NewEvent, StreamInfo } from "./log/log.ts";
export { DataFolderError, readOwner } from "./log/lmdb-folder.ts";
export { StreamError } from "./protocol/error.ts";
export { parseStreamName } from "./protocol/names.ts";

/** Makes the provider of any OpenAI-compatible server, asked through Node's own client. */
export function createOpenAIProvider(options: OpenAIProviderOptions): Provider {
  return createProvider({ ...options, fetch: options.fetch ?? nodeFetch });
}

export interface ServerOptions extends GuardOptions {
  /** `memory`: kept as long as the process; `lmdb`: kept in `data`; or a log of your own. Default `lmdb`. */
  log?: "memory" | "lmdb" | Log;
  /** The data folder. Default `.millrace`. */
  data?: string;
  /** Where answers come from, before the built-in ones. */
  providers?: readonly Provider[];
  /** The model that answers when a request names none. */
  model?: string;
  /** Offers the model `script`, a deterministic generator for tests. Default false. */
  isDev?: boolean;
  /** Looks for model servers on this machine, and for keys in the environment. Default false. */
  discovers?: boolean;
  /** Serves the page at `/`. Default true. */
  hasPages?: boolean;
  /** Publishes what the server does, once a second, in the stream `sys/server`. Default false. */
  publishesFigures?: boolean;
  hub?: HubOptions;
  signals?: SignalsOptions;
  presence?: PresenceOptions;
  runner?: RunnerOptions;
}

/** A Millrace server: its parts, and the same app for every way of calling it. */
export interface MillraceServer {
  readonly log: Log;
  readonly runner: Runner;
  readonly chats: Chats;
  readonly models: ModelRegistry;
  /** Web-standard: for Bun, Deno, Next and tests. */
  fetch(request: Request): Promise<Response>;
  /** For Node's http server and for Express. */
  readonly handler: NodeHandler;
  /** Listens; resolves with the address. Port 0: a free one. Default host `127.0.0.1`. Errors: Node's, such as `EADDRINUSE`. */
  listen(port: number, host?: string): Promise<string>;
  /** Readers at this moment. */
  readonly readers: number;
  /** Runs that a dead process had left open, and that were ended as `interrupted` at the start. */
  readonly recoveredRuns: number;
  /** Ends readers (they come back), ends open runs as `interrupted`, and gives the data folder back. */
  close(): Promise<void>;
}

/** Makes a server: log, hub, runner and door, wired.
 *  Done:   the data folder is taken, and what a dead process left open has ended.
 *  Errors: DataFolderError where the folder is in use, or of another format. */
export async function createServer(options: ServerOptions = {}): Promise<MillraceServer> {
  const {
    log: wanted = "lmdb",
    data = ".millrace",
    isDev = false,
    discovers = false,
    hasPages = true,
    publishesFigures = false,
  } = options;
  const lmdb = wanted === "lmdb" ? await openLmdbLog({ directory: data }) : undefined;
  const own = lmdb ?? (typeof wanted === "object" ? wanted : createMemoryLog());
  const tally = createTally();
  const log = publishesFigures ? countAppends(own, tally) : own;
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
  const bus = createBus();
  const signals = createSignals(bus, hub, options.signals);
  const presence = createPresence(bus, hub, options.presence);
  const runner = createRunner(log, models, { ...options.runner, ...(publishesFigures && { onFirstDelta }) });
  const chats = createChats(log, runner);
  const recoveredRuns = (await runner.recover()) + (await chats.recover());
  let isDraining = false;
  let server: Server | undefined;
  const app = createApp({
    ...options,
    log,
    hub,
    signals,
    presence,
    runner,
    chats,
    models,
    edge: createNodeEdge(tally),
    pages: hasPages ? staticRoutes(new URL("../dist/web/", import.meta.url)) : undefined,
    isDraining: () => isDraining,
  });
  const fetch = async (request: Request, env?: object) => app.fetch(request, env);
  const handler = createNodeHandler(fetch);
  const figures = publishesFigures ? publishFigures({ log: own, hub, runner, tally }) : undefined;

  return {
    log: own,
    runner,
    chats,
    models,
    recoveredRuns,
    handler,
    fetch: (request) => fetch(request),
    get readers() {
      return hub.readers;
    },
    async listen(port, host = "127.0.0.1") {
      const listening = await listen(handler, port, host);
      server = listening.server;
      const url = `http://${host.includes(":") ? `[${host}]` : host}:${listening.port}`;
      lmdb?.announce(url);
      return url;
    },
    async close() {
      isDraining = true;
      figures?.stop();
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
