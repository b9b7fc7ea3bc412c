// Millrace under /millrace in a server of Node's own, with a web-standard function in front that is yours.
import { createServer as createHttpServer } from "node:http";
import { createServer, toNodeHandler } from "millrace";
import type { ServerOptions } from "millrace";

/** Your own: who asks, from your session, your token, your database. */
type FindUser = (cookie: string | null) => { name: string } | undefined;

export async function createApp(findUser: FindUser, options: ServerOptions = {}) {
  const millrace = await createServer({
    basePath: "/millrace",
    auth: {
      // Whom you do not know is refused; the chats and answers of the others are theirs alone.
      authorize(request) {
        const user = findUser(request.headers.get("cookie"));
        return user && { id: user.name, scopes: ["run", "read:*", "append:*"] };
      },
    },
    ...options,
  });
  const handler = toNodeHandler((request, env) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/millrace/")) return Response.json({ hello: "from Node" });
    // With `env`, events go to the socket itself.
    return millrace.fetch(request, env);
  });
  return { app: createHttpServer((request, response) => void handler(request, response)), millrace };
}
