// app/millrace/[...path]/route.ts of a Next.js app: Millrace under /millrace, for who is signed in. next.config needs
// serverExternalPackages: ["millrace"].
import { createServer } from "millrace";
import type { MillraceServer } from "millrace";

/** Your own: `auth()` of Auth.js, a session of your database. */
function findUser(request: Request): { name: string } | undefined {
  const name = /session=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];
  return name === undefined ? undefined : { name };
}

// One server for the process: in development Next loads this file again with each change. Made with the first request, since the
// build loads it, too.
const kept = globalThis as { millrace?: Promise<MillraceServer> }; // a name of its own there
const getServer = () =>
  (kept.millrace ??= createServer({
    basePath: "/millrace",
    data: process.env["MILLRACE_DATA"] ?? ".millrace",
    allowedHosts: (process.env["MILLRACE_HOSTS"] ?? "").split(","),
  }));

async function handle(request: Request): Promise<Response> {
  const user = findUser(request);
  if (user === undefined) return Response.json({ error: "Sign in first." }, { status: 401 });
  // In the name of somebody: their chats and answers are theirs alone.
  return (await getServer()).fetchAs({ id: user.name, scopes: ["run", "read:*", "append:*"] }, request);
}

export { handle as DELETE, handle as GET, handle as HEAD, handle as PATCH, handle as POST, handle as PUT };

/** Nothing of it may be kept, and its log is in files. */
export const dynamic = "force-dynamic";
export const runtime = "nodejs";
