// Where the server is mounted: under a path of somebody else's server, which may have taken it off already.

const BASE = /^(?:\/[A-Za-z0-9._~-]+)+$/;

/** Checks a path to be mounted under: empty for the root, else as `/millrace`. Errors: a plain one, at the start. */
export function checkBasePath(path: string): string {
  if (path === "" || path === "/") return "";
  if (BASE.test(path)) return path;
  throw new Error(
    `basePath: ${JSON.stringify(path)} is no path to be mounted under. Write it as "/millrace": segments of A-Z a-z 0-9 . _ ~ -, without a slash at the end.`,
  );
}

/** A path, with or without a query, as it is inside of what is mounted. One that does not begin with the base was taken off it before:
 *  Express's `app.use("/millrace", …)` and Hono's `mount` do so. Pure. */
export function insidePath(path: string, base: string): string {
  if (base === "" || !path.startsWith(base)) return path;
  const rest = path.slice(base.length);
  if (rest === "" || rest.startsWith("?")) return `/${rest}`;
  return rest.startsWith("/") ? rest : path;
}

/** The same request inside of what is mounted. */
export function insideRequest(request: Request, base: string): Request {
  if (base === "") return request;
  const url = new URL(request.url);
  const path = insidePath(url.pathname, base);
  if (path === url.pathname) return request;
  url.pathname = path;
  return new Request(url, request);
}
