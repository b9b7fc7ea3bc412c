import { vi } from "vitest";
import type { Delivery } from "../../src/client/delivery.ts";
import { createSource } from "../../src/client/source.ts";
import type { OwnSource, SourceOptions } from "../../src/client/source.ts";
import type { StreamKind } from "../../src/protocol/event.ts";
import { FakePages, FakeTransport } from "./fake-transport.ts";

/** A source whose server is the test: a transport, and pages. */
export interface SourceServer {
  transport: FakeTransport;
  pages: FakePages;
  open(options?: Partial<SourceOptions>): OwnSource & {
    /** Follows a stream and gathers what is delivered. */
    hear(stream: string, after?: string, kind?: StreamKind): Hearing;
  };
  /** Lets the latest connection in, and starts a stream there. */
  begin(stream: string, epoch: string, from: number, id?: string): void;
  /** Sends an event over the latest connection. */
  event(stream: string, n: number, id: string, more?: object): void;
  /** Ends a stream over the latest connection. */
  end(stream: string, reason: string): void;
}

export interface Hearing {
  heard: Delivery[];
  stop: () => void;
  /** The numbers that the events carry. */
  ns: () => unknown[];
}

export function createSourceServer(): SourceServer {
  const transport = new FakeTransport();
  const pages = new FakePages();
  return {
    transport,
    pages,
    open(options = {}) {
      const source = createSource({ url: "", transport, fetch: pages.fetch, random: () => 0.5, ...options });
      return Object.assign(source, {
        hear(stream: string, after?: string, kind: StreamKind = "log") {
          const heard: Delivery[] = [];
          const stop = source.follow(stream, { kind, after, onDelivery: (delivery) => heard.push(delivery) });
          return { heard, stop, ns: () => numbers(heard) };
        },
      });
    },
    begin(stream, epoch, from, id = `${epoch}.${from}`) {
      const attempt = transport.last;
      attempt.onOpen();
      attempt.say("stream-start", { stream, status: "new", from: `${epoch}.${from}` }, id);
    },
    event(stream, n, id, more = {}) {
      transport.last.say(undefined, { stream, event: { n, ...more } }, id);
    },
    end(stream, reason) {
      transport.last.say("stream-end", { stream, reason });
    },
  };
}

/** The numbers that events carry. */
export function numbers(heard: readonly Delivery[]): unknown[] {
  return heard.flatMap((delivery) => (delivery.type === "event" ? [delivery.event["n"]] : []));
}

/** Events with the numbers 1 to `count`. */
export const stored = (count: number) => Array.from({ length: count }, (_, n) => ({ n: n + 1 }));

/** Lets time pass. */
export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
