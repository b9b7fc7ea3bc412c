/** Headers of every request; a function is asked before each, so that a token may be renewed. */
export type HeadersOption = Record<string, string> | (() => Record<string, string>);

/** The headers of a request that is made now. */
export function headersOf(headers: HeadersOption | undefined): Record<string, string> {
  return typeof headers === "function" ? headers() : (headers ?? {});
}

/** What a response that is not what was asked for says of itself. */
export interface Refusal {
  status: number;
  /** The wait that it asks for. */
  retryAfterMs: number;
  /** Absent, like the next ones, where the body says nothing: a proxy's own page. */
  code?: string;
  message?: string;
  isRetryable?: boolean;
  /** With `run-active`: the run that is open. */
  run?: string;
}

/** Reads a refusal to its end. */
export async function readRefusal(response: Response): Promise<Refusal> {
  const { status } = response;
  // Seconds; a date, which is allowed too, counts as nothing: our server sends none.
  const retryAfterMs = Number(response.headers.get("retry-after")) * 1_000 || 0;
  try {
    const error = member(await response.json(), "error");
    const code = member(error, "code");
    const message = member(error, "message");
    const retryable = member(error, "retryable");
    const run = member(error, "run");
    return {
      status,
      retryAfterMs,
      ...(typeof code === "string" && { code }),
      ...(typeof message === "string" && { message }),
      ...(typeof retryable === "boolean" && { isRetryable: retryable }),
      ...(typeof run === "string" && { run }),
    };
  } catch {
    // Not JSON, or cut: the status alone has to do.
    return { status, retryAfterMs };
  }
}

/** A member of what came from outside; undefined if it has none. */
function member(value: unknown, name: string): unknown {
  // An object of any kind may be asked for any member: what it holds stays unknown.
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
