// Millrace under /millrace in a Hono app, for who is signed in there. It runs wherever Hono does.
import { Hono } from "hono";
import { createServer } from "millrace";
import type { ServerOptions } from "millrace";

/** Your own: who asks, from your session, your token, your database. */
type FindUser = (cookie: string | null) => { name: string } | undefined;

export async function createApp(findUser: FindUser, options: ServerOptions = {}) {
  const millrace = await createServer({ basePath: "/millrace", ...options });
  const app = new Hono();
  app.get("/hello", (context) => context.json({ hello: "from Hono" }));
  app.all("/millrace/*", async (context) => {
    const user = findUser(context.req.header("cookie") ?? null);
    if (user === undefined) return context.json({ error: "Sign in first." }, 401);
    // In the name of somebody: their chats and answers are theirs alone.
    return millrace.fetchAs({ id: user.name, scopes: ["run", "read:*", "append:*"] }, context.req.raw);
  });
  return { app, millrace };
}
