import { ServerResponse, createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Bundle } from "../hub/bundle.ts";
import type { Transport } from "../hub/look.ts";
import type { Sink, SinkListener } from "../hub/sink.ts";
import type { Edge } from "./event-stream.ts";
import { LateRequests } from "./late-requests.ts";
import { insidePath } from "./mount.ts";

/** Handles a request of Node's http server, of Express, or of whatever calls itself so. */
export type NodeHandler = ReturnType<typeof getRequestListener>;

/** Answers a web-standard request. `env` is to be handed on to `millrace.fetch`. */
export type FetchFunction = (request: Request, env: object) => Response | Promise<Response>;

/** Makes a handler with Node's request and response of a web-standard one, such as your own around `millrace.fetch`:
 *  `toNodeHandler((request, env) => isMember(request) ? millrace.fetch(request, env) : new Response("", { status: 401 }))`.
 *  Shape: `basePath` is taken off the request's path. Default: nothing is. */
export function createNodeHandler(fetch: FetchFunction, basePath = ""): NodeHandler {
  const listener = getRequestListener((request, env) => fetch(request, env), {
    overrideGlobalObjects: false,
  });
  return (incoming, outgoing) => {
    if (incoming.readableDidRead) restoreBody(incoming);
    // Here, where it is a text: a request that was made once is not made again.
    if (incoming.url !== undefined) incoming.url = insidePath(incoming.url, basePath);
    return listener(incoming, outgoing);
  };
}

/** A body that a middleware above has read and parsed, such as `express.json()`, as the text that it was: its stream is empty now. */
function restoreBody(incoming: Parameters<NodeHandler>[0]): void {
  if ("rawBody" in incoming || !("body" in incoming)) return;
  const body = typeof incoming.body === "string" ? incoming.body : JSON.stringify(incoming.body);
  // The listener's own name for a body that was read before.
  Object.assign(incoming, { rawBody: Buffer.from(body ?? "") });
}

/** What was sent to readers so far. Counted in place: an addition for each write. */
export interface Sent {
  bytes: number;
}

/** Makes the socket's edge: where a request came through Node, its events go to the socket itself if that is the same bytes. */
export function createNodeEdge(sent: Sent): Edge {
  return { open: (env, headers) => openNodeSink(env, headers, sent), answer: answerNode };
}

function openNodeSink(env: unknown, headers: Record<string, string>, sent: Sent): ReturnType<Edge["open"]> {
  const outgoing = outgoingOf(env);
  if (outgoing === undefined) return undefined;
  outgoing.writeHead(200, headers);
  // First bytes at once: a proxy waits for the head, and the browser's `onopen` too. What is said within this turn goes with them:
  // of all that a coming reader costs, each write to the socket costs most.
  const { socket } = outgoing;
  socket?.cork();
  outgoing.flushHeaders();
  setImmediate(() => socket?.uncork());
  return { sink: new NodeSink(outgoing, sent), response: RESPONSE_ALREADY_SENT };
}

function answerNode(
  env: unknown,
  status: number,
  headers: Record<string, string>,
  body: string,
): Response | undefined {
  const outgoing = outgoingOf(env);
  if (outgoing === undefined) return undefined;
  outgoing.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) }).end(body);
  return RESPONSE_ALREADY_SENT;
}

function outgoingOf(env: unknown): ServerResponse | undefined {
  const outgoing = typeof env === "object" && env !== null && "outgoing" in env ? env.outgoing : undefined;
  return outgoing instanceof ServerResponse ? outgoing : undefined;
}

/** A response as a sink. A class, since there is one for each reader. */
class NodeSink implements Sink {
  readonly #response: ServerResponse;
  /** Written to itself where that is the same bytes. */
  readonly #socket: Socket | null;
  readonly #sent: Sent;
  /** Kept, since a response that is over has none. */
  readonly #wire: Socket | null;
  readonly #sentBefore: number;

  constructor(response: ServerResponse, sent: Sent) {
    this.#response = response;
    this.#sent = sent;
    this.#socket = mayWriteToSocket(response) ? response.socket : null;
    this.#wire = response.socket;
    this.#sentBefore = response.socket?.bytesWritten ?? 0;
  }

  write(bundle: Bundle): boolean {
    this.#sent.bytes += bundle.length;
    return this.#socket === null ? this.#response.write(bundle.payload) : this.#socket.write(bundle.chunk);
  }

  get transport(): Transport {
    return this.#socket === null ? "response" : "socket";
  }

  get sent(): number {
    return (this.#wire?.bytesWritten ?? 0) - this.#sentBefore;
  }

  get buffered(): number {
    return (this.#socket ?? this.#response).writableLength;
  }

  attach(listener: SinkListener): void {
    const writable = this.#socket ?? this.#response;
    const onDrain = () => listener.onDrain();
    writable.on("drain", onDrain);
    this.#response.once("close", () => {
      // On a connection that is kept alive the socket outlives the response.
      writable.off("drain", onDrain);
      listener.onClose();
    });
    // The reader has gone before it was attached.
    if (this.#response.destroyed || this.#response.socket?.destroyed === true) listener.onClose();
  }

  /** Ends the chunked body, which `response` knows to be one, and leaves the connection to the next request. */
  end(): void {
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }
}

/** Each guard keeps the bytes on the wire the same as those of `response.write`. */
function mayWriteToSocket(response: ServerResponse): boolean {
  const { req } = response;
  return (
    // A body after HEAD would be taken for the next answer; of other methods none is answered with events.
    (req.method === "GET" || req.method === "POST") &&
    // HTTP/1.0 knows no chunks.
    req.httpVersion === "1.1" &&
    response.chunkedEncoding &&
    // A pipelined request's answer has no socket until the one before it is done.
    response.socket !== null &&
    // `compression` and its like replace these.
    response.write === ServerResponse.prototype.write &&
    response.end === ServerResponse.prototype.end
  );
}

/** What one that does not get on with its request may take up. */
export interface ConnectionLimits {
  /** Connections at a time, with a request or without; who comes beyond that is refused, and nobody who has asked is cut. Default 20,000. */
  max?: number;
  /** How long a request's head may take, in milliseconds. Where nine in ten connections are taken, 1,000 at most. Default 20,000. */
  headMs?: number;
  /** How long its body may take after that, in milliseconds. An answer may take longer. Default 60,000. */
  bodyMs?: number;
}

/** Listens, and says on which port. Errors: Node's, such as `EADDRINUSE`. */
export function listen(
  handler: NodeHandler,
  port: number,
  host: string,
  { max = 20_000, headMs = 20_000, bodyMs = 60_000 }: ConnectionLimits = {},
): Promise<{ server: Server; port: number }> {
  const answers = new WeakMap<Duplex, ServerResponse>();
  const server = createServer({ headersTimeout: 0, requestTimeout: 0 }, (request, response) => {
    answers.set(request.socket, response);
    late.onRequest(request, response);
    void handler(request, response);
  });
  server.maxConnections = max;
  const late = new LateRequests(server, { max, headMs, bodyMs }, answers, (socket) =>
    refuse(socket, "408 Request Timeout", answers),
  );
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    refuse(socket, REFUSALS.get(error.code ?? "") ?? "400 Bad Request", answers);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, 1_024, () => {
      server.off("error", reject);
      resolve({ server, port: (server.address() as AddressInfo).port }); // it listens on a port
    });
  });
}

const REFUSALS = new Map([
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", "413 Payload Too Large"],
]);

/** Cuts a connection, with an answer where none has begun. */
function refuse(socket: Duplex, status: string, answers: WeakMap<Duplex, ServerResponse>): void {
  const answer = answers.get(socket);
  const isFree =
    answer === undefined ||
    answer.writableFinished ||
    // One that waits for another before it has no socket yet.
    (answer.socket !== null && !answer.headersSent);
  if (socket.writable && isFree) socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  socket.destroy();
}
