import { createServer } from "node:http";
import type { IncomingMessage, RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { fastifySSE } from "@fastify/sse";
import { createChannel, createSession } from "better-sse";
import fastify from "fastify";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { getRequestListener } from "@hono/node-server";

/** A server of others: `GET /events`, and `POST /say`, whose JSON body goes to all readers. */
export interface SseServer extends AsyncDisposable {
  url: string;
}

/** Sessions and a channel, as its guide has them. */
export function startBetterSse({ keepAliveMs = 10_000 } = {}): Promise<SseServer> {
  const channel = createChannel();
  return serve((request, response) => {
    if (request.method === "POST") {
      void readJson(request).then((said) => {
        channel.broadcast(said);
        response.writeHead(204).end();
      });
      return;
    }
    void createSession(request, response, { keepAlive: keepAliveMs }).then((session) =>
      channel.register(session),
    );
  });
}

/** `streamSSE`, as its guide has it: events have ids, and the callback stays until the reader leaves. */
export function startHonoSse(): Promise<SseServer> {
  const app = new Hono();
  const readers = new Set<(said: unknown) => void>();
  let id = 0;
  app.get("/events", (context) =>
    streamSSE(context, async (stream) => {
      const tell = (said: unknown) => {
        id += 1;
        void stream.writeSSE({ id: String(id), data: JSON.stringify(said) });
      };
      readers.add(tell);
      await new Promise<void>((resolve) => {
        stream.onAbort(resolve);
      });
      readers.delete(tell);
    }),
  );
  app.post("/say", async (context) => {
    const said: unknown = await context.req.json();
    for (const tell of readers) tell(said);
    return context.body(null, 204);
  });
  const handler = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return serve((request, response) => void handler(request, response));
}

/** `sse: true` and `reply.sse.send`, as its README has them. A body may name the event, which it passes on. */
export async function startFastifySse({ heartbeatMs = 30_000 } = {}): Promise<SseServer> {
  const app = fastify();
  const readers = new Set<(said: { event?: string }) => void>();
  let id = 0;
  await app.register(fastifySSE, { heartbeatInterval: heartbeatMs });
  app.get("/events", { sse: true }, async (_, reply) => {
    reply.sse.keepAlive();
    await reply.sse.send({ event: "welcome", data: { readers: readers.size } });
    const tell = (said: { event?: string }) => {
      id += 1;
      // A reader that has gone is no failure.
      reply.sse.send({ id: String(id), data: said, ...said }).catch(() => undefined);
    };
    readers.add(tell);
    reply.sse.onClose(() => readers.delete(tell));
  });
  app.post("/say", async (request, reply) => {
    for (const tell of readers) tell(request.body as { event?: string });
    return reply.code(204).send();
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return {
    url,
    async [Symbol.asyncDispose]() {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

/** Any handler of Node's own, on a free port. */
export async function serve(handler: RequestListener): Promise<SseServer> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += String(piece);
  return JSON.parse(text);
}
