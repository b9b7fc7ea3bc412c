import { Hono } from "hono";
import type { ModelRegistry } from "../chat/models.ts";
import type { Model } from "../chat/provider.ts";
import { StreamError } from "../protocol/error.ts";

/** `/v1/models`, for our own pages and for whatever speaks OpenAI's interface.
 *  Source: PROTOCOL.md "OpenAI-compatible". */
export function modelRoutes(models: ModelRegistry): Hono {
  const routes = new Hono();

  routes.get("/v1/models", async (context) => {
    const data = (await models.list()).map(describe);
    return context.json({ object: "list", data, default: (await models.find())?.id });
  });

  // An id may hold slashes, such as `meta/llama3:8b`, as they are or escaped.
  routes.get("/v1/models/:id{.+}", async (context) => {
    const wanted = context.req.param("id");
    const found = await models.find(wanted);
    const model = (await models.list()).find(({ id }) => id === found?.id);
    if (model !== undefined) return context.json(describe(model));
    throw new StreamError(
      "unknown-model",
      `There is no model ${JSON.stringify(wanted.slice(0, 200))}. GET /v1/models lists them.`,
    );
  });

  return routes;
}

/** A model as OpenAI lists it, and what we know beside that. No member is null: open-webui takes a null `name` for one. */
function describe({ id, origin, description }: Model): object {
  return {
    id,
    object: "model",
    created: 0,
    owned_by: origin,
    origin,
    ...(description !== undefined && { description }),
  };
}
