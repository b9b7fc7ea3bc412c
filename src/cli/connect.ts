import { readOwner } from "../server.ts";
import { CliError, EXIT } from "./exit.ts";

const DEFAULT_URL = "http://127.0.0.1:4000";
const ATTEMPTS = 5;
const MAX_WAIT_MS = 2_000;

/** The server to ask: as named, else the owner of the data folder, else the usual address. */
export function findServer({ url, data }: { url?: string; data: string }): string {
  const found = url ?? process.env["MILLRACE_URL"] ?? readOwner(data)?.url ?? DEFAULT_URL;
  if (URL.canParse(found)) return found.replace(/\/$/, "");
  throw new CliError(EXIT.usage, `${JSON.stringify(found)} is not an address such as ${DEFAULT_URL}.`);
}

/** What lets a command in, where a server asks for it: never a flag, which all processes of the machine could read. */
export function keyHeaders(): Record<string, string> {
  const key = process.env["MILLRACE_API_KEY"];
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

/** Sends JSON and reads JSON. Sent again where no answer came: with its key, it takes effect once.
 *  Errors: CliError, with the server's own sentence where it gave one. */
export async function postJson<T>(url: string, body: unknown, key?: string): Promise<T> {
  const response = await retry(() =>
    fetch(url, {
      method: "POST",
      headers: {
        ...keyHeaders(),
        "content-type": "application/json",
        ...(key !== undefined && { "idempotency-key": key }),
      },
      body: JSON.stringify(body),
    }),
  ).catch(() => {
    throw new CliError(
      EXIT.unavailable,
      `No server answers at ${new URL(url).origin}. Start one with: millrace serve`,
    );
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as T; // the shape is the server's promise
  const error = (answer as { error?: { code?: string; message?: string } } | undefined)?.error;
  throw new CliError(
    EXIT.failed,
    `${error?.message ?? `The server answered ${response.status}.`} (${error?.code ?? response.status})`,
  );
}

async function retry(send: () => Promise<Response>): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await new Promise((resolve) =>
        setTimeout(resolve, Math.random() * Math.min(MAX_WAIT_MS, 100 * 2 ** attempt)),
      );
    }
  }
}
