import { existsSync, readFileSync } from "node:fs";
import { DataFolderError, createServer } from "../server.ts";
import type { MillraceServer } from "../server.ts";
import { startDemo } from "./demo/demo.ts";
import type { Demo } from "./demo/demo.ts";
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

/** Serves until it is told to stop: Ctrl+C or SIGTERM ends it with exit code 0, a second Ctrl+C at once. */
export async function serve(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const file = readSettings(flags["config"]);
  const config = readConfig({ flags, env: process.env, ...(file && { file }) });
  if (!LOOPBACK.test(config.host) && !config.allowRemote) {
    throw new CliError(
      EXIT.usage,
      `${config.host} can be reached from elsewhere, and nobody has to sign in here yet. Say --allow-remote if that is meant.`,
    );
  }
  const server = await open(config);
  const url = await listen(server, config).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  const model = await server.models.find(config.model);
  if (config.model !== undefined && model?.id !== config.model) {
    process.stderr.write(
      `There is no model ${JSON.stringify(config.model)} now; ${model?.id} answers instead.\n`,
    );
  }
  process.stdout.write(`Millrace  ${url}\n`);
  process.stdout.write(dim(`${describe(config, server, model?.id, url)}\n`));
  stopOnSignal(server, config.demo ? openDemo(server) : undefined);
}

async function open(config: ServeConfig): Promise<MillraceServer> {
  try {
    return await createServer({
      log: config.log,
      data: config.data,
      isDev: config.dev,
      discovers: true,
      publishesFigures: true,
      allowedHosts: config.allowedHost,
      allowedOrigins: config.allowedOrigin,
      ...(config.model !== undefined && { model: config.model }),
    });
  } catch (error) {
    if (error instanceof DataFolderError) throw new CliError(EXIT.unavailable, error.message);
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

function readSettings(wanted: unknown): ConfigSources["file"] {
  const path = typeof wanted === "string" ? wanted : DEFAULT_FILE;
  if (existsSync(path)) return { path, text: readFileSync(path, "utf8") };
  if (typeof wanted === "string") throw new CliError(EXIT.usage, `There is no file ${path}.`);
  return undefined;
}

function openDemo(server: MillraceServer): Demo {
  const file = new URL("../../dist/demo/prices.json", import.meta.url);
  const prices = JSON.parse(readFileSync(file, "utf8")) as RecordedPrices; // written by our own build
  return startDemo({ fetch: (request) => server.fetch(request), prices });
}

function describe(
  config: ServeConfig,
  server: MillraceServer,
  model: string | undefined,
  url: string,
): string {
  const lines = [
    `Answers   ${model ?? "no model"}`,
    `Keeps     ${config.log === "memory" ? "nothing: the log is in memory" : config.data}`,
    `Feeds     ${url}/live${config.demo ? ", with demo feeds: --no-demo leaves them out" : ""}`,
  ];
  if (server.recoveredRuns > 0) lines.push(`Ended     ${server.recoveredRuns} runs that were interrupted`);
  if (process.stdout.isTTY) lines.push("Stop      Ctrl+C");
  return lines.join("\n");
}

function stopOnSignal(server: MillraceServer, demo: Demo | undefined): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping && signal === "SIGINT") process.exit(EXIT.stopped);
    if (isStopping) return;
    isStopping = true;
    void Promise.resolve(demo?.stop())
      .then(() => server.close())
      .then(() => process.exit(EXIT.done));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
