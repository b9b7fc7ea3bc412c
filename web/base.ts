/** The path under which the page is served, such as `/chat`; empty at the root of an origin. Its scripts lie in `assets` there, however
 *  deep the address of the page is. */
export const BASE = /^(.*)\/assets\/[^/]+$/.exec(new URL(import.meta.url).pathname)?.[1] ?? "";

/** An address of the page's own server, as the browser has to ask for it. */
export function addressOf(path: string): string {
  return BASE + path;
}

/** The path of an address, as it is inside of what is served under the prefix. */
export function insidePath(pathname: string): string {
  const inside = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : pathname;
  return inside === "" ? "/" : inside;
}
