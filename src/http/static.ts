import { createReadStream, readFileSync, statSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".json": "application/json",
};
/** The page's own files and nothing else: a script or a style that an answer could bring along has nowhere to stand. */
const POLICY = [
  "default-src 'none'",
  ...["script", "style", "img", "font", "connect", "manifest"].map((kind) => `${kind}-src 'self'`),
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

/** Addresses of the page, which shows what they name: a chat, a live feed, something in it. */
const PAGE = /^\/(?:c\/[a-z0-9]+|inspect|live(?:\/[a-z]+){0,2}\/?|live(?:\/[a-z]+){2}\/[A-Za-z0-9._~-]+)$/;

/** A path that a built file may have: what is longer than a name can be would fail, and not be unknown. */
const FILE = /^\/[A-Za-z0-9._/-]{1,200}$/;

/** Serves a folder of built files; those under `assets/` have a hash in their name and are kept for a year.
 *  Shape: `basePath` is where all of it is mounted; without it the page names its files from where it is, so that a proxy may have taken a
 *  prefix off. */
export function staticRoutes(folder: URL, basePath = ""): Hono {
  const root = fileURLToPath(folder);
  const routes = new Hono();
  routes.get("*", async (context, next) => {
    const { pathname } = new URL(context.req.url);
    const name = PAGE.test(pathname) ? "/index.html" : pathname.replace(/\/$/, "/index.html");
    if (!FILE.test(name)) return next();
    // A URL's path has no `..` left; what an escape hides is not decoded.
    const path = join(root, normalize(name));
    if (!path.startsWith(root) || !isFile(path)) return next();
    const headers = {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "cache-control": name.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    };
    if (context.req.method === "HEAD") return context.body(null, 200, headers);
    if (extname(path) === ".html") {
      const html = readFileSync(path, "utf8");
      return context.body(
        PAGE.test(pathname) || pathname === "/" ? rebase(html, pathname, basePath) : html,
        200,
        headers,
      );
    }
    return context.body(Readable.toWeb(createReadStream(path)) as ReadableStream, 200, headers); // Node's type of the same class
  });
  return routes;
}

/** The page with the addresses of its own files, which are built as `./…`, as they are from `pathname`. */
function rebase(html: string, pathname: string, basePath: string): string {
  const up = basePath === "" ? "../".repeat(pathname.split("/").length - 2) || "./" : `${basePath}/`;
  return html.replaceAll(/(?<= (?:href|src)=")\.\//g, up);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
