import { existsSync } from "node:fs";
import { DataFolderError, createServer, readOwner } from "../server.ts";
import { findServer, keyHeaders } from "./connect.ts";
import { CliError, EXIT } from "./exit.ts";
import type { ServerFlags } from "./flags.ts";

/** Where streams are: a server that runs, or a data folder that is opened for this. */
export interface Target extends AsyncDisposable {
  /** For people. */
  where: string;
  /** Errors: CliError where nobody answers. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/** The server that is named, else the one that owns the data folder, else the folder itself.
 *  Errors: CliError. */
export async function openTarget(flags: ServerFlags): Promise<Target> {
  const isNamed = flags.url !== undefined || process.env["MILLRACE_URL"] !== undefined;
  if (isNamed || (await hasServer(flags.data))) return overHttp(findServer(flags));
  if (existsSync(flags.data)) return inside(flags.data);
  throw new CliError(
    EXIT.usage,
    `There is no data folder ${flags.data}. Name one with --data, or a server with --url.`,
  );
}

async function hasServer(data: string): Promise<boolean> {
  const url = readOwner(data)?.url;
  if (url === undefined) return false;
  return fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false, // it has gone: the folder is free
  );
}

function overHttp(url: string): Target {
  return {
    where: url,
    async ask(path, init = {}) {
      const headers = new Headers(init.headers);
      for (const [name, value] of Object.entries(keyHeaders())) headers.set(name, value);
      try {
        return await fetch(url + path, { ...init, headers });
      } catch {
        throw new CliError(EXIT.unavailable, `No server answers at ${url}.`);
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Through the same door as a server's, without one. */
async function inside(data: string): Promise<Target> {
  try {
    const server = await createServer({ data, hasPages: false });
    return {
      where: data,
      ask: (path, init) => server.fetch(new Request(`http://localhost${path}`, init)),
      [Symbol.asyncDispose]: () => server.close(),
    };
  } catch (error) {
    if (error instanceof DataFolderError) throw new CliError(EXIT.unavailable, error.message);
    throw error;
  }
}
