import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KeyFileError, openKeyFile } from "../server.ts";
import type { AuthOptions } from "../server.ts";
import type { ServeConfig } from "./config.ts";
import { CliError, EXIT } from "./exit.ts";
import { keyFile } from "./keys.ts";

/** Who may use a server, from what the command was told and what lies in its data folder. */
export interface CliAuth {
  options: AuthOptions | undefined;
  /** What is said of it at the start. */
  words: string;
}

const MIN_SECRET_LENGTH = 32;

/** Reads who may. Keys are asked for where there is a file of them, tokens and guests where they were asked for.
 *  Errors: CliError 2 for what is missing or does not fit. */
export function readAuth(config: ServeConfig, env: Readonly<Record<string, string | undefined>>): CliAuth {
  const { guests, jwtJwks, jwtIssuer, jwtAudience, jwtScopes } = config;
  const path = keyFile(config);
  const hasKeys = existsSync(path);
  if (config.keys !== undefined && !hasKeys) {
    throw new CliError(
      EXIT.usage,
      `There is no file ${path}. Make it with: millrace keys create NAME --keys ${path}`,
    );
  }
  const jwt = jwtJwks === undefined ? undefined : { jwks: jwtJwks, issuer: jwtIssuer, audience: jwtAudience };
  if (jwt === undefined && (jwtIssuer ?? jwtAudience ?? jwtScopes) !== undefined)
    throw new CliError(EXIT.usage, "Say with --jwt-jwks where the issuer publishes its keys.");
  if (jwt !== undefined && (jwtIssuer === undefined || jwtAudience === undefined)) {
    throw new CliError(
      EXIT.usage,
      "Say with --jwt-issuer and --jwt-audience whose tokens are taken, and for what: without them another service's token would open this one.",
    );
  }
  const words = [
    ...(hasKeys ? [`with a key of ${path}`] : []),
    ...(jwt === undefined ? [] : [`with a token of ${jwtIssuer}`]),
    ...(guests === undefined ? [] : [`guests, who may ${guests.join(" ")}`]),
  ];
  if (words.length === 0) return { options: undefined, words: "everybody who can reach it" };
  return {
    words: words.join("; "),
    options: {
      secret: readSecret(config, env),
      ...(hasKeys && { keys: openKeys(path) }),
      ...(guests !== undefined && { guests: { scopes: guests } }),
      ...(jwtJwks !== undefined && {
        jwt: {
          jwks: jwtJwks,
          issuer: jwtIssuer ?? "",
          audience: jwtAudience ?? "",
          ...(jwtScopes !== undefined && { scopes: jwtScopes }),
        },
      }),
    },
  };
}

function openKeys(path: string): AuthOptions["keys"] {
  try {
    return openKeyFile(path);
  } catch (error) {
    if (error instanceof KeyFileError) throw new CliError(EXIT.usage, error.message);
    throw error;
  }
}

/** What sessions and tickets are signed with: as told, else a secret of the data folder's own, which is made once. */
function readSecret(
  { data, log, secretFile }: ServeConfig,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const told = env["MILLRACE_SECRET"];
  if (told !== undefined) return checkSecret(told.trim(), "MILLRACE_SECRET");
  if (secretFile !== undefined) {
    if (!existsSync(secretFile)) throw new CliError(EXIT.usage, `There is no file ${secretFile}.`);
    return checkSecret(readFileSync(secretFile, "utf8").trim(), secretFile);
  }
  if (log.startsWith("redis")) {
    throw new CliError(
      EXIT.usage,
      "Nodes that share a Redis have to share a secret too, or a session of one is none of another: set MILLRACE_SECRET or --secret-file to the same on each.",
    );
  }
  const path = join(data, "secret");
  if (!existsSync(path)) {
    mkdirSync(data, { recursive: true });
    writeFileSync(path, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  }
  return checkSecret(readFileSync(path, "utf8").trim(), path);
}

function checkSecret(secret: string, where: string): string {
  if (secret.length >= MIN_SECRET_LENGTH) return secret;
  throw new CliError(
    EXIT.usage,
    `${where} holds a secret of ${secret.length} characters; take at least ${MIN_SECRET_LENGTH}, such as those of: openssl rand -base64 32`,
  );
}
