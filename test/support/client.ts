import { createClient, createFetchTransport, createSource } from "../../src/client/index.ts";
import type { Client, Store } from "../../src/client/index.ts";
import type { TestServer } from "./app.ts";

/** A client of a server in this process, without a socket. */
export interface TestClient {
  client: Client;
  /** Event connections that were opened. */
  readonly connections: number;
  /** Cuts the event connections that are open. */
  cut(): void;
  /** Lets no request through until it is called with false. */
  goOffline(isOffline: boolean): void;
}

export function connectTo({ ask }: TestServer): TestClient {
  const open = new Set<AbortController>();
  let connections = 0;
  let isOffline = false;
  const reach: typeof fetch = async (input, init) => {
    if (isOffline) throw new TypeError("Failed to fetch");
    const path = input instanceof Request ? input.url : String(input);
    const isEvents = new Headers(init?.headers).get("accept") === "text/event-stream";
    if (!isEvents) return ask(path, init);
    connections += 1;
    const abort = new AbortController();
    open.add(abort);
    const { signal, ...rest } = init ?? {};
    signal?.addEventListener("abort", () => abort.abort(), { once: true });
    const response = await ask(path, rest);
    return new Response(cuttable(response, abort.signal), response);
  };
  const options = { url: "http://localhost", fetch: reach };
  const source = createSource({ ...options, transport: createFetchTransport(options), random: () => 0 });
  return {
    client: createClient({ ...options, source }),
    get connections() {
      return connections;
    },
    cut() {
      for (const abort of open) abort.abort();
      open.clear();
    },
    goOffline(now) {
      isOffline = now;
    },
  };
}

/** Resolves when what a store shows is as wanted. */
export function until<T>(store: Store<T>, isWanted: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    let stop: (() => void) | undefined;
    let isDone = false;
    const look = () => {
      const value = store.getSnapshot();
      if (isDone || !isWanted(value)) return;
      isDone = true;
      stop?.();
      resolve(value);
    };
    stop = store.subscribe(look);
    look();
  });
}

function cuttable(response: Response, signal: AbortSignal): ReadableStream<Uint8Array> | null {
  const reader = response.body?.getReader();
  if (reader === undefined) return null;
  return new ReadableStream({
    start(controller) {
      signal.addEventListener("abort", () => {
        void reader.cancel();
        controller.error(new TypeError("network error"));
      });
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => reader.cancel(),
  });
}
