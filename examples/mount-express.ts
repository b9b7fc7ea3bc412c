// Millrace under /millrace in an Express app, for who is signed in there.
import express from "express";
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
  const app = express();
  app.use(express.json());
  app.get("/hello", (_request, response) => void response.json({ hello: "from Express" }));
  app.use("/millrace", (request, response) => void millrace.handler(request, response));
  return { app, millrace };
}
