import { existsSync, readFileSync } from "node:fs";
import { DataFolderError, RedisLogError, createLogger, createServer } from "../server.ts";
import type { MillraceServer, RunLimits } from "../server.ts";
import { readAuth } from "./auth.ts";
import type { CliAuth } from "./auth.ts";
import { startDemo } from "./demo/demo.ts";
import type { Demo } from "./demo/demo.ts";
import { createDemoTools } from "./demo/tools.ts";
import type { RecordedPrices } from "./demo/prices.ts";
import { readConfig } from "./config.ts";
import type { ConfigSources, ServeConfig } from "./config.ts";
import { CliError, EXIT } from "./exit.ts";
import { dim } from "./output.ts";

const DEFAULT_PORT = 4_000;
/** How many ports are tried where none was asked for. */
const PORTS_TRIED = 20;
const DEFAULT_FILE = "millrace.config.json";
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Serves until it is told to stop: Ctrl+C or SIGTERM ends it with exit code 0, SIGTERM after it has drained where other nodes take
 *  over. A second one ends it at once. */
export async function serve(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const file = readSettings(flags["config"]);
  const config = readConfig({ flags, env: process.env, ...(file && { file }) });
  const auth = readAuth(config, process.env);
  if (!LOOPBACK.test(config.host) && auth.options === undefined && !config.insecure) {
    throw new CliError(
      EXIT.usage,
      `${config.host} can be reached from elsewhere, and nobody has to sign in here. Make a key with "millrace keys create NAME", take tokens with --jwt-jwks or guests with --guests; or say --insecure if everybody is meant.`,
    );
  }
  const server = await open(config, auth);
  const origin = await listen(server, config).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  const url = origin + (config.basePath ?? "");
  const model = await server.models.find(config.model);
  if (config.model !== undefined && model?.id !== config.model) {
    process.stderr.write(
      `There is no model ${JSON.stringify(config.model)} now; ${model?.id} answers instead.\n`,
    );
  }
  // Before it says where it is: whoever reads that may stop it at once.
  stopOnSignal(server, config, playsDemo(config) ? openDemo(server) : undefined);
  process.stdout.write(`Millrace  ${url}\n`);
  process.stdout.write(dim(`${describe(config, server, model, url, auth)}\n`));
  if (config.allowedHost.length > 0 && auth.options === undefined) {
    process.stderr.write(
      `Whoever reaches this server as ${config.allowedHost[0]} may everything here: nobody has to sign in.\n`,
    );
  }
}

async function open(config: ServeConfig, { options: auth }: CliAuth): Promise<MillraceServer> {
  try {
    return await createServer({
      log: config.log,
      data: config.data,
      isDev: config.dev,
      discovers: true,
      publishesFigures: true,
      logger: createLogger({ level: config.logLevel, isPretty: process.stderr.isTTY }),
      asksForTitles: config.titles,
      runner: { recovery: config.recover },
      ...(config.demo && { tools: createDemoTools() }),
      allowedHosts: config.allowedHost,
      allowedOrigins: config.allowedOrigin,
      isInsecure: config.insecure,
      hasPages: true,
      ...(config.basePath !== undefined && { basePath: config.basePath }),
      ...(auth && { auth }),
      limits: limitsOf(config),
      ...(config.model !== undefined && { model: config.model }),
    });
  } catch (error) {
    if (error instanceof DataFolderError || error instanceof RedisLogError)
      throw new CliError(EXIT.unavailable, error.message);
    throw error;
  }
}

async function listen(server: MillraceServer, { port, host }: ServeConfig): Promise<string> {
  for (let tried = port ?? DEFAULT_PORT; ; tried++) {
    try {
      return await server.listen(tried, host);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      const goesOn = code === "EADDRINUSE" && port === undefined && tried < DEFAULT_PORT + PORTS_TRIED;
      if (goesOn) continue;
      const why = code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${String(code ?? error)})`;
      throw new CliError(
        EXIT.failed,
        `Port ${tried} on ${host} ${why}. Name another with --port, or leave it out to take a free one.`,
      );
    }
  }
}

function limitsOf({ runsPerMinute, tokensPerDay, openRuns, allTokensPerDay }: ServeConfig): RunLimits {
  return {
    ...(runsPerMinute !== undefined && { runsPerMinute }),
    ...(tokensPerDay !== undefined && { tokensPerDay }),
    ...(openRuns !== undefined && { openRuns }),
    ...(allTokensPerDay !== undefined && { allTokensPerDay }),
  };
}

function readSettings(wanted: unknown): ConfigSources["file"] {
  const path = typeof wanted === "string" ? wanted : DEFAULT_FILE;
  if (existsSync(path)) return { path, text: readFileSync(path, "utf8") };
  if (typeof wanted === "string") throw new CliError(EXIT.usage, `There is no file ${path}.`);
  return undefined;
}

function openDemo(server: MillraceServer): Demo {
  const file = new URL("../../dist/demo/prices.json", import.meta.url);
  const prices = JSON.parse(readFileSync(file, "utf8")) as RecordedPrices; // written by our own build
  return startDemo({
    fetch: (request) => server.fetchAs({ id: "local", scopes: ["admin"] }, request),
    prices,
  });
}

function describe(
  config: ServeConfig,
  server: MillraceServer,
  model: Awaited<ReturnType<MillraceServer["models"]["find"]>>,
  url: string,
  auth: CliAuth,
): string {
  const lines = [
    `Answers   ${model?.id ?? "no model"}`,
    `Keeps     ${whereKept(config)}`,
    ...(auth.options === undefined ? [] : [`Lets in   ${auth.words}`]),
    `Feeds     ${url}/live${playsDemo(config) ? ", with demo feeds: --no-demo leaves them out" : ""}`,
  ];
  if (config.titles && model?.provider.writesTitles === true)
    lines.push("Titles    written by the model, one short call per chat: --no-titles leaves that out");
  if (server.recoveredRuns > 0) lines.push(`Ended     ${server.recoveredRuns} runs that were interrupted`);
  if (process.stdout.isTTY) lines.push("Stop      Ctrl+C");
  return lines.join("\n");
}

/** Not where others may play them into the same streams. */
function playsDemo({ demo, log }: ServeConfig): boolean {
  return demo && !log.startsWith("redis");
}

function whereKept({ log, data }: ServeConfig): string {
  if (log === "memory") return "nothing: the log is in memory";
  // Without the password.
  return log === "lmdb" ? data : log.replace(/\/\/.*@/, "//").replace(/\?.*/, "");
}

/** Readers of a node that is alone have nowhere else to go. */
const DRAIN_MS = 20_000;

function stopOnSignal(
  server: MillraceServer,
  { log, drain, grace }: ServeConfig,
  demo: Demo | undefined,
): void {
  const windowMs = drain ?? (log.startsWith("redis") ? DRAIN_MS : 0);
  const graceMs = grace ?? windowMs;
  let isStopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(EXIT.stopped);
    isStopping = true;
    void Promise.resolve(demo?.stop())
      .then(() => (signal === "SIGTERM" ? server.drain({ windowMs, graceMs }) : undefined))
      .then(() => server.close())
      .then(() => process.exit(EXIT.done));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
