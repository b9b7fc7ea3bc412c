import type { ClientOptions } from "./client.ts";
import { createEventSourceTransport } from "./event-source.ts";
import { createFetchTransport } from "./fetch-source.ts";
import { headersOf } from "./response.ts";
import type { Transport, TransportHandlers } from "./transport.ts";

export interface RenewalOptions extends ClientOptions {
  /** Makes what lets in hold again: a new token for `headers`, or a new cookie. Asked when the server says that it is over; several
   *  who need it wait for one. What it rejects with is taken for a failure of the network: it is asked again later. */
  renew: () => Promise<unknown>;
}

export interface TicketOptions extends ClientOptions {
  /** Gets a ticket that opens these streams, from `POST /v1/tickets`, where somebody asks that may. Asked when there is none that
   *  opens them, and when one is over. */
  getTicket: (streams: readonly string[]) => Promise<string>;
}

/** Options of a client whose token or cookie is renewed when it is over. What is read goes on where it was; a request that was refused
 *  is sent once more. */
export function withRenewal({ renew, ...options }: RenewalOptions): ClientOptions {
  const send = options.fetch ?? fetch.bind(globalThis);
  const once = shared(renew);
  const inner = options.transport ?? defaultTransport(options);
  return {
    ...options,
    transport: renewing(inner, { address: (url) => Promise.resolve(url), expire: () => {}, renew: once }),
    async fetch(input, init) {
      const response = await send(input, init);
      if (response.status !== 401) return response;
      await once();
      const headers = {
        ...Object.fromEntries(new Headers(init?.headers)),
        ...lowerCase(headersOf(options.headers)),
      };
      return send(input, { ...init, headers });
    },
  };
}

/** Options of a client that reads with tickets: the way in for an EventSource that no cookie goes with.
 *  Shape: what is no reading of streams is sent as it is. */
export function withTicket({ getTicket, ...options }: TicketOptions): ClientOptions {
  const send = options.fetch ?? fetch.bind(globalThis);
  const tickets = new Map<string, Promise<string>>();

  async function address(url: string): Promise<string> {
    const streams = streamsOf(url);
    const set = streams.toSorted().join(" ");
    const known = tickets.get(set) ?? getTicket(streams);
    tickets.set(set, known);
    // The sets that were asked for last: a page that goes from chat to chat leaves the others.
    for (const oldest of tickets.keys()) if (tickets.size > MAX_KEPT) tickets.delete(oldest);
    try {
      return `${url}${url.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(await known)}`;
    } catch (error) {
      tickets.delete(set);
      throw error;
    }
  }

  function expire(url: string): void {
    tickets.delete(streamsOf(url).toSorted().join(" "));
  }

  const inner = options.transport ?? defaultTransport(options);
  return {
    ...options,
    transport: renewing(inner, { address, expire, renew: () => Promise.resolve() }),
    async fetch(input, init) {
      const isReading = typeof input === "string" && (init?.method ?? "GET") === "GET" && READING.test(input);
      if (!isReading) return send(input, init);
      const response = await send(await address(input), init);
      if (response.status !== 401) return response;
      expire(input);
      return send(await address(input), init);
    },
  };
}

const READING = /\/v1\/streams(?:[/?]|$)/;
const MAX_KEPT = 50;

interface Proof {
  /** Where to connect with it. */
  address(url: string): Promise<string>;
  /** It is over. */
  expire(url: string): void;
  renew(): Promise<unknown>;
}

/** A transport that renews what lets it in, and then lets the connection come back at once. Only where what is new is refused too, the
 *  refusal is told. */
function renewing(inner: Transport, proof: Proof): Transport {
  /** Renewed since a connection was open. */
  let isNew = false;
  return {
    open(url, handlers) {
      let isClosed = false;
      let close: (() => void) | undefined;

      const again = async (): Promise<void> => {
        close?.();
        isNew = true;
        proof.expire(url);
        await proof.renew();
        if (isClosed) return;
        handlers.onRetry(0);
        handlers.onEnded(false);
      };
      const fail = (error: unknown) => {
        if (!isClosed) handlers.onFailed({ message: String(error) });
      };
      const own: TransportHandlers = {
        onOpen() {
          handlers.onOpen();
        },
        onBlock(block) {
          if (block.event === "auth-expired") again().catch(fail);
          else {
            isNew = false;
            handlers.onBlock(block);
          }
        },
        onRetry: (retryMs) => handlers.onRetry(retryMs),
        onFailed(failure) {
          if (failure.status === 401 && !isNew) again().catch(fail);
          else handlers.onFailed(failure);
        },
        onEnded: (isFinal) => handlers.onEnded(isFinal),
      };
      const connect = async (): Promise<void> => {
        const address = await proof.address(url);
        if (!isClosed) close = inner.open(address, own);
      };
      connect().catch(fail);
      return () => {
        isClosed = true;
        close?.();
      };
    },
  };
}

function defaultTransport(options: ClientOptions): Transport {
  const isNative = options.headers === undefined && typeof EventSource === "function";
  return isNative ? createEventSourceTransport(options) : createFetchTransport(options);
}

/** The streams that an address reads. */
function streamsOf(url: string): string[] {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const name = /\/v1\/streams\/(.+)$/.exec(pathname)?.[1];
  const named = [...searchParams.getAll("stream"), ...searchParams.getAll("listen")];
  return [...new Set(name === undefined ? named : [name])];
}

/** Who comes while it is done waits for the same. */
function shared(work: () => Promise<unknown>): () => Promise<unknown> {
  let running: Promise<unknown> | undefined;
  return () =>
    (running ??= work().finally(() => {
      running = undefined;
    }));
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
