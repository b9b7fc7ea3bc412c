import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GenerateRequest, Provider, ProviderEvent } from "../../src/chat/provider.ts";
import { createServer } from "../../src/server.ts";
import type { MillraceServer, ServerOptions } from "../../src/server.ts";

/** A server in this process, without pages, with the script model and one that is told what to say. */
export interface TestServer extends AsyncDisposable {
  server: MillraceServer;
  /** Calls `fetch` of the server, without a socket. A path is on http://localhost. */
  ask: (path: string, init?: RequestInit) => Promise<Response>;
  /** Sends JSON. */
  send(method: string, path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  told: ToldProvider;
}

export interface ToldProvider extends Provider {
  calls: GenerateRequest[];
  aborts: number;
  /** Says what the next answers are. Default: two words. */
  answer: (request: GenerateRequest, signal: AbortSignal) => AsyncIterable<ProviderEvent>;
}

export const EVENTS = { accept: "text/event-stream" };

export async function startApp(options: ServerOptions = {}): Promise<TestServer> {
  const data = await mkdtemp(join(tmpdir(), "millrace-app-"));
  const told = createToldProvider();
  const server = await createServer({
    log: "memory",
    data,
    isDev: true,
    hasPages: false,
    providers: [told],
    ...options,
  });
  const ask = (path: string, init?: RequestInit) =>
    server.fetch(new Request(new URL(path, "http://localhost"), init));
  return {
    server,
    told,
    ask,
    send: (method, path, body, headers = {}) =>
      ask(path, {
        method,
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

function createToldProvider(): ToldProvider {
  const told: ToldProvider = {
    name: "told",
    calls: [],
    aborts: 0,
    models: () => Promise.resolve([{ id: "told", origin: "test" }]),
    async *answer() {
      yield { type: "text", text: "Hello" };
      yield { type: "text", text: " there" };
      yield { type: "finish", reason: "stop" };
    },
    generate(request, signal) {
      told.calls.push(request);
      signal.addEventListener("abort", () => {
        told.aborts += 1;
      });
      return told.answer(request, signal);
    },
  };
  return told;
}

/** A promise and how to keep it: for an answer that waits until the test says go. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let resolve: (() => void) | undefined;
  const opened = new Promise<void>((done) => {
    resolve = done;
  });
  return { opened, open: () => resolve?.() };
}

/** Lets a model say one word, and then wait until the test says go or the run is over. */
export function answerSlowly(told: ToldProvider): { open: () => void } {
  const go = gate();
  told.answer = async function* (_, signal) {
    yield { type: "text", text: "Hello" };
    await Promise.race([go.opened, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    yield { type: "text", text: " again" };
    yield { type: "finish", reason: "stop" };
  };
  return go;
}

/** The blocks of an event stream's body, each as its fields. */
export function blocks(body: string): Record<string, string>[] {
  return body
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) =>
      Object.fromEntries(
        block.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]),
      ),
    );
}

/** Reads a body until it holds a text, and leaves the rest. */
export async function readUntil(response: Response, text: string): Promise<string> {
  const reading = openBody(response);
  const body = await reading.until(text);
  await reading.leave();
  return body;
}

/** A body to be read on and on: all of it, as far as it holds a text. */
export function openBody(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let body = "";
  return {
    async until(text: string): Promise<string> {
      while (!body.includes(text)) {
        const piece = await reader?.read();
        if (piece?.value === undefined) throw new Error(`the body ended without ${text}:\n${body}`);
        body += piece.value;
      }
      return body;
    },
    leave: async () => reader?.cancel(),
  };
}
