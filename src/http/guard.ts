import { StreamError } from "../protocol/error.ts";

export interface GuardOptions {
  /** Names under which the server may be asked, beside those of loopback; without a port. */
  allowedHosts?: readonly string[];
  /** Origins whose pages may read, append and start, such as `https://app.example`. */
  allowedOrigins?: readonly string[];
}

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Refuses a host that is not ours: a page whose name was rebound to this address would be of the same origin.
 *  Errors: `host-refused` 421. */
export function checkHost(request: Request, { allowedHosts = [] }: GuardOptions): void {
  const host = request.headers.get("host") ?? new URL(request.url).host;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (LOOPBACK.test(name) || allowedHosts.includes(name)) return;
  throw new StreamError(
    "host-refused",
    `This server does not answer for the host ${JSON.stringify(name.slice(0, 100))}. Start it with --allowed-host to let it.`,
  );
}

/** The origin of another site that may use this server; undefined where none asks.
 *  Errors: `origin-refused` 403 for one that may not and would change something. */
export function checkOrigin(request: Request, { allowedOrigins = [] }: GuardOptions): string | undefined {
  const origin = request.headers.get("origin");
  if (origin === null || isSameOrigin(request, origin)) return undefined;
  if (allowedOrigins.includes(origin)) return origin;
  if (request.method === "GET" || request.method === "HEAD") return undefined;
  throw new StreamError(
    "origin-refused",
    `Pages of ${JSON.stringify(origin.slice(0, 100))} may not change anything here. Start the server with --allowed-origin to let them.`,
  );
}

/** Refuses what a form of another site could send. Errors: `content-type-refused` 415. */
export function checkContentType(request: Request): void {
  if (request.method === "GET" || request.method === "HEAD" || request.method === "DELETE") return;
  const type = (request.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/json") return;
  throw new StreamError(
    "content-type-refused",
    "Send the body as JSON, with Content-Type: application/json.",
  );
}

/** Whether a GET may start a run: only for one who means to listen, on a page of ours or of an allowed origin.
 *  Errors: `start-refused` 403. */
export function checkStart(request: Request, { allowedOrigins = [] }: GuardOptions): void {
  const { headers } = request;
  if (request.method !== "GET") refuse("only GET starts one.");
  if (headers.has("sec-purpose") || headers.has("purpose")) refuse("the browser only fetches ahead.");
  const origin = headers.get("origin");
  const isAllowed = origin !== null && (isSameOrigin(request, origin) || allowedOrigins.includes(origin));
  if (origin !== null && !isAllowed) refuse("pages of this origin may not. See --allowed-origin.");
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && !isAllowed)
    refuse("a page of another site asked. See --allowed-origin.");
  const mode = headers.get("sec-fetch-mode");
  if (mode === "navigate" || mode === "no-cors") refuse("open it with EventSource, fetch or curl.");
  if (site === null && mode === null && !(headers.get("accept") ?? "").includes("text/event-stream")) {
    refuse("ask with the header Accept: text/event-stream.");
  }
}

function refuse(why: string): never {
  throw new StreamError("start-refused", `No run was started: ${why}`);
}

function isSameOrigin(request: Request, origin: string): boolean {
  const host = request.headers.get("host") ?? new URL(request.url).host;
  // Without the scheme: behind a proxy that does TLS it is another one here.
  return origin.replace(/^https?:\/\//, "") === host;
}
