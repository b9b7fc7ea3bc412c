// Millrace under /millrace in a server of Bun (`bun run`) or Deno (`deno run -A`), for who is signed in.
import { createServer } from "millrace";
import type { ServerOptions } from "millrace";

/** What of the two runtimes is used here; in a program for one of them its own types say more. */
interface Runtimes {
  Bun?: { serve: (options: object) => { port: number; stop: (closes: boolean) => Promise<void> } };
  Deno?: {
    serve: (options: object, handle: Handle) => { addr: { port: number }; shutdown: () => Promise<void> };
  };
}
type Handle = (request: Request) => Response | Promise<Response>;

export async function createHandler(options: ServerOptions = {}) {
  const millrace = await createServer({ basePath: "/millrace", ...options });
  const handle: Handle = (request) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/millrace/")) return Response.json({ hello: "from here" });
    // Your own: who asks, from your session, your token, your database.
    const name = /session=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];
    if (name === undefined) return Response.json({ error: "Sign in first." }, { status: 401 });
    // In the name of somebody: their chats and answers are theirs alone.
    return millrace.fetchAs({ id: name, scopes: ["run", "read:*", "append:*"] }, request);
  };
  return { millrace, handle };
}

/** Serves it with the runtime that this file is run by. Deno cannot load the lock of the embedded log: memory, or Redis. */
export async function serve(port: number, options: ServerOptions = {}) {
  const { Bun, Deno }: Runtimes = globalThis as object;
  const { millrace, handle } = await createHandler({ ...(Deno && { log: "memory" }), ...options });
  // Bun gives up a connection that is silent for 10 seconds, and a stream is longer silent than that.
  const bun = Bun?.serve({ port, hostname: "127.0.0.1", idleTimeout: 0, fetch: handle });
  const deno = Deno?.serve({ port, hostname: "127.0.0.1" }, handle);
  return {
    url: `http://127.0.0.1:${bun?.port ?? deno?.addr.port}/millrace`,
    async close() {
      await millrace.close();
      await (bun?.stop(true) ?? deno?.shutdown());
    },
  };
}
