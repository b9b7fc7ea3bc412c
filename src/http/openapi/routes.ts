import { Hono } from "hono";
import { createDocument } from "./document.ts";
import type { OpenApiDocument } from "./document.ts";
import { OPERATIONS, TAGS } from "./operations.ts";
import { renderPage } from "./page.ts";
import { PAGE_STYLE } from "./page-style.ts";

export interface OpenApiOptions {
  /** The package's version. */
  version: string;
  /** Where the interface is mounted. Default: at the root. */
  basePath?: string | undefined;
}

/** A page of text: nothing on it is fetched but its style, and nothing runs. */
const POLICY =
  "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const HEADERS = { "x-content-type-options": "nosniff", "cache-control": "no-cache" };

/** `/openapi.json` and `/docs`: the interface, from the schemas that check what comes in. */
export function openApiRoutes({ version, basePath = "" }: OpenApiOptions): Hono {
  const routes = new Hono();
  // Made when it is first asked for: nobody waits for it at the start.
  let document: OpenApiDocument | undefined;
  const made = () => (document ??= createDocument(OPERATIONS, { version, basePath, tags: TAGS }));

  routes.get("/openapi.json", (context) => context.json(made(), 200, HEADERS));
  routes.get("/docs", (context) => {
    const base = `${new URL(context.req.url).origin}${basePath}`;
    return context.html(renderPage(made(), base), 200, { ...HEADERS, "content-security-policy": POLICY });
  });
  routes.get("/docs/api.css", (context) =>
    context.body(PAGE_STYLE, 200, { ...HEADERS, "content-type": "text/css; charset=utf-8" }),
  );
  return routes;
}
