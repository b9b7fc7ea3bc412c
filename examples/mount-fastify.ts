// Millrace under /millrace in a Fastify app, for who is signed in there.
import { fastify } from "fastify";
import { createServer } from "millrace";
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
  const app = fastify({ forceCloseConnections: true });
  app.get("/hello", () => ({ hello: "from Fastify" }));

  await app.register((scope, _options, done) => {
    // Millrace reads its bodies itself, in this scope alone.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, parsed) => parsed(null));
    scope.all("/millrace/*", (request, reply) => {
      // From here on the answer is Millrace's.
      reply.hijack();
      void millrace.handler(request.raw, reply.raw);
    });
    done();
  });
  // Before the server waits for its connections: Millrace ends its readers.
  app.addHook("preClose", () => millrace.close());
  return { app, millrace };
}
