// Millrace beside the routes of one's own server, on http://127.0.0.1:3000. Node runs this file from 22.18 on.
import { readFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { Server } from "node:http";
import express from "express";
import { createServer } from "millrace";
import type { ServerOptions } from "millrace";

export async function serve(port: number, options: ServerOptions = {}) {
  const page = await readFile(new URL("one-line-client.html", import.meta.url), "utf8");
  const millrace = await createServer({ hasPages: false, ...options });

  const app = express();
  app.get("/", (_request, response) => void response.type("html").send(page));
  app.get("/hello", (_request, response) => void response.json({ hello: "from Express" }));
  // Last, since it answers all that is left. Bodies that a middleware above has parsed are taken as they are.
  app.use((request, response) => void millrace.handler(request, response));

  const server = createHttpServer(app);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { server, close: () => close(server, millrace) };
}

/** Millrace first: it ends its readers, which would keep the connections open. */
async function close(server: Server, millrace: { close: () => Promise<void> }) {
  await millrace.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

if (process.argv[1]?.endsWith("express.ts")) await serve(3000);
