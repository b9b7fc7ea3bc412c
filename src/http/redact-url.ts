/** Members of a query that open something, or that somebody wrote. */
const SECRET = /^(?:ticket|key|token|access_token|api_key|apikey|code|secret|signature|prompt|q)$/i;

/** An address as it may stand in a log: without its origin, and without what opens something or was written by a person. */
export function redactUrl(url: string): string {
  const { pathname, search } = new URL(url);
  if (search === "") return pathname;
  const parts = search
    .slice(1)
    .split("&")
    .map((part) => {
      const name = part.split("=", 1)[0] ?? "";
      return SECRET.test(decode(name)) ? `${name}=[redacted]` : part;
    });
  return `${pathname}?${parts.join("&")}`.slice(0, 2_000);
}

/** A name may be escaped to look like another. */
function decode(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return "secret";
  }
}
