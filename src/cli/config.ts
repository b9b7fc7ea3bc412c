import { editDistance } from "../protocol/edit-distance.ts";
import { LOG_LEVELS, parseScopes } from "../server.ts";
import type { LogLevel, RedisUrl, RunLimits, Scope } from "../server.ts";
import { CliError, EXIT } from "./exit.ts";

/** What `millrace serve` can be told. */
export interface ServeConfig {
  port?: number;
  host: string;
  data: string;
  log: "memory" | "lmdb" | RedisUrl;
  model?: string;
  dev: boolean;
  demo: boolean;
  titles: boolean;
  allowedHost: string[];
  allowedOrigin: string[];
  basePath?: string;
  insecure: boolean;
  keys?: string;
  guests?: Scope[];
  jwtJwks?: string;
  jwtIssuer?: string;
  jwtAudience?: string;
  jwtScopes?: Scope[];
  secretFile?: string;
  runsPerMinute?: NonNullable<RunLimits["runsPerMinute"]>;
  tokensPerDay?: NonNullable<RunLimits["tokensPerDay"]>;
  openRuns?: NonNullable<RunLimits["openRuns"]>;
  allTokensPerDay?: NonNullable<RunLimits["allTokensPerDay"]>;
  /** Milliseconds. */
  drain?: number;
  grace?: number;
  recover: "interrupted" | "continue";
  logLevel: LogLevel;
}

interface Setting {
  /** As a flag; `MILLRACE_ALLOWED_HOST` in the environment, `allowedHost` in the file. */
  name: string;
  /** Absent: it is on or off. */
  argument?: string;
  /** It is on where nothing is said: `--no-demo` turns it off. */
  isOn?: true;
  help: string;
  /** Reads a text; undefined if it is none. */
  read(text: string): unknown;
  /** What it takes, for an error. */
  takes: string;
}

const text = (value: string) => (value === "" ? undefined : value);
const scopes = (value: string) => parseScopes(value);
const scopesTaken = 'scopes such as "read:* signal:* run"';
const bound = (value: string) => (/^\d{1,12}$/.test(value) ? Number(value) : undefined);
const boundTaken = "a number; 0 is no limit";
const list = (value: string) => value.split(",").map((part) => part.trim());
const flag = (value: string) =>
  /^(true|1)$/.test(value) ? true : /^(false|0)$/.test(value) ? false : undefined;
const onOff = "true or false";
const BASE_PATH = /^(?:\/[A-Za-z0-9._~-]+)+$/;
const seconds = (value: string) => (/^\d{1,4}$/.test(value) ? Number(value) * 1_000 : undefined);

export const SETTINGS: readonly Setting[] = [
  {
    name: "port",
    argument: "number",
    help: "port to listen on (default: 4000, or the next free one)",
    read: (value) => (/^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined),
    takes: "a number from 0 to 65535; 0 is any free one",
  },
  {
    name: "host",
    argument: "address",
    help: "address to listen on (default: 127.0.0.1)",
    read: text,
    takes: "an address",
  },
  {
    name: "data",
    argument: "folder",
    help: "data folder (default: .millrace)",
    read: text,
    takes: "a folder",
  },
  {
    name: "log",
    argument: "kind",
    help: "memory: lost at the end; lmdb: kept in the data folder; redis://host:port: shared by several nodes (default: lmdb)",
    read: (value) => (/^(memory|lmdb|rediss?:\/\/.+)$/.test(value) ? value : undefined),
    takes: "memory, lmdb, or an address such as redis://127.0.0.1:6379",
  },
  {
    name: "model",
    argument: "id",
    help: "the model that answers where a request names none",
    read: text,
    takes: "a model",
  },
  {
    name: "dev",
    help: "offer the model script, a deterministic generator for tests",
    read: flag,
    takes: onOff,
  },
  {
    name: "demo",
    isOn: true,
    help: "leave out the demo: simulated matches, recorded prices, and a clock that the guide calls",
    read: flag,
    takes: onOff,
  },
  {
    name: "titles",
    isOn: true,
    help: "do not ask a model for the title of a new chat (a call of at most 60 tokens)",
    read: flag,
    takes: onOff,
  },
  {
    name: "allowed-host",
    argument: "names",
    help: "names to answer for beside those of this machine, with commas between",
    read: list,
    takes: "names with commas between",
  },
  {
    name: "allowed-origin",
    argument: "origins",
    help: "origins whose pages may use the server, with commas between",
    read: list,
    takes: "origins with commas between",
  },
  {
    name: "base-path",
    argument: "path",
    help: "the path under which a proxy hands requests on, such as /millrace (default: none)",
    read: (value) => (BASE_PATH.test(value) ? value : undefined),
    takes: "a path such as /millrace, without a slash at its end",
  },
  {
    name: "insecure",
    help: "listen on an address that others can reach, though nobody has to sign in",
    read: flag,
    takes: onOff,
  },
  {
    name: "keys",
    argument: "file",
    help: "API keys, made by millrace keys (default: keys.json in the data folder, where there is one)",
    read: text,
    takes: "a file",
  },
  {
    name: "guests",
    argument: "scopes",
    help: 'whoever opens a page is somebody of their own, by a cookie, and may this, such as "read:* signal:* run"',
    read: scopes,
    takes: scopesTaken,
  },
  {
    name: "jwt-jwks",
    argument: "url",
    help: "take tokens (JWT) that are proved by the keys at this address",
    read: text,
    takes: "an address",
  },
  {
    name: "jwt-issuer",
    argument: "name",
    help: "who issues those tokens",
    read: text,
    takes: "what the claim iss says",
  },
  {
    name: "jwt-audience",
    argument: "name",
    help: "what those tokens are for",
    read: text,
    takes: "what the claim aud says",
  },
  {
    name: "jwt-scopes",
    argument: "scopes",
    help: "what everybody with such a token may, beside what it says (default: what is their own)",
    read: scopes,
    takes: scopesTaken,
  },
  {
    name: "secret-file",
    argument: "file",
    help: "what sessions and tickets are signed with, the same for all nodes; or MILLRACE_SECRET (default: secret in the data folder)",
    read: text,
    takes: "a file",
  },
  {
    name: "runs-per-minute",
    argument: "number",
    help: "runs that a person may start in a minute (default: 60 where people sign in; 0 is no limit)",
    read: bound,
    takes: boundTaken,
  },
  {
    name: "tokens-per-day",
    argument: "number",
    help: "tokens that a person may use in 24 hours (default: 2000000 where people sign in; 0 is no limit)",
    read: bound,
    takes: boundTaken,
  },
  {
    name: "open-runs",
    argument: "number",
    help: "runs that a person may have at a time (default: 20 where people sign in; 0 is no limit)",
    read: bound,
    takes: boundTaken,
  },
  {
    name: "all-tokens-per-day",
    argument: "number",
    help: "tokens that all people together may use in 24 hours (default: no limit)",
    read: bound,
    takes: boundTaken,
  },
  {
    name: "drain",
    argument: "seconds",
    help: "after SIGTERM readers are closed over this time (default: 20 where the log is in Redis, else 0)",
    read: seconds,
    takes: "a number of seconds",
  },
  {
    name: "grace",
    argument: "seconds",
    help: "after SIGTERM runs have this time to end by themselves (default: as --drain)",
    read: seconds,
    takes: "a number of seconds",
  },
  {
    name: "log-level",
    argument: "level",
    help: "what is said on standard error, one JSON object a line, for people on a terminal: silent, error, warn, info or debug (default: warn)",
    read: (value) => LOG_LEVELS.find((level) => level === value),
    takes: "silent, error, warn, info or debug",
  },
  {
    name: "recover",
    argument: "how",
    help: "a run whose process died is ended as interrupted, or continue: another node, or this one after a start, asks the model to go on (default: interrupted)",
    read: (value) => (/^(interrupted|continue)$/.test(value) ? value : undefined),
    takes: "interrupted or continue",
  },
];

const DEFAULTS: ServeConfig = {
  host: "127.0.0.1",
  data: ".millrace",
  log: "lmdb",
  dev: false,
  demo: true,
  titles: true,
  allowedHost: [],
  allowedOrigin: [],
  insecure: false,
  recover: "interrupted",
  logLevel: "warn",
};

const PREFIX = "MILLRACE_";
/** Read by other commands. */
const OTHER_VARIABLES = new Set(["MILLRACE_URL", "MILLRACE_SECRET", "MILLRACE_API_KEY"]);

export interface ConfigSources {
  /** As commander gives them. */
  flags: Readonly<Record<string, unknown>>;
  env: Readonly<Record<string, string | undefined>>;
  /** What stands in the file, and its name for errors. */
  file?: { path: string; text: string };
}

/** Flags before environment before file before defaults. Pure.
 *  Errors: CliError 2 for an unknown key, which names the nearest known one, or a value that does not fit. */
export function readConfig({ flags, env, file }: ConfigSources): ServeConfig {
  return { ...DEFAULTS, ...readFile(file), ...readEnvironment(env), ...readFlags(flags) };
}

function readFlags(flags: ConfigSources["flags"]): Partial<ServeConfig> {
  const given = Object.entries(flags).filter(([key]) => key !== "config");
  return Object.fromEntries(
    given.map(([key, value]) => [key, check(find(key), String(value), `--${find(key)?.name}`)]),
  );
}

function readEnvironment(env: ConfigSources["env"]): Partial<ServeConfig> {
  const names = SETTINGS.map((setting) => variable(setting.name));
  const config: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || value === undefined || OTHER_VARIABLES.has(name)) continue;
    const setting = SETTINGS.find((known) => variable(known.name) === name);
    if (setting === undefined) throw unknown(`the environment variable ${name}`, name, names);
    config[camel(setting.name)] = check(setting, value, name);
  }
  return config;
}

function readFile(file: ConfigSources["file"]): Partial<ServeConfig> {
  if (file === undefined) return {};
  const { path } = file;
  let parsed: unknown;
  try {
    parsed = JSON.parse(file.text);
  } catch (error) {
    throw new CliError(EXIT.usage, `${path} is not JSON: ${error instanceof Error ? error.message : ""}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new CliError(EXIT.usage, `${path} must hold an object, such as {"port": 4100}.`);
  }
  const keys = SETTINGS.map((setting) => camel(setting.name));
  return Object.fromEntries(
    Object.entries(parsed).map(([key, value]) => {
      const setting = find(key);
      if (setting === undefined) throw unknown(`the key ${JSON.stringify(key)} in ${path}`, key, keys);
      return [
        key,
        check(setting, Array.isArray(value) ? value.join(",") : String(value), `${key} in ${path}`),
      ];
    }),
  );
}

function find(key: string): Setting | undefined {
  return SETTINGS.find((setting) => camel(setting.name) === key);
}

function check(setting: Setting | undefined, value: string, where: string): unknown {
  const read = setting?.read(value);
  if (read !== undefined) return read;
  throw new CliError(EXIT.usage, `${where} takes ${setting?.takes}, not ${JSON.stringify(value)}.`);
}

function unknown(what: string, key: string, keys: readonly string[]): CliError {
  const distance = (known: string) => editDistance(key.toLowerCase(), known.toLowerCase());
  const [nearest] = [...keys].sort((a, b) => distance(a) - distance(b));
  return new CliError(EXIT.usage, `There is no setting for ${what}. Did you mean ${nearest}?`);
}

function variable(name: string): string {
  return PREFIX + name.toUpperCase().replaceAll("-", "_");
}

function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
