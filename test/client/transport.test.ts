import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { EventSource } from "eventsource";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEventSourceTransport } from "../../src/client/event-source.ts";
import { createFetchTransport } from "../../src/client/fetch-source.ts";
import { createSource } from "../../src/client/source.ts";
import type { Transport } from "../../src/client/transport.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let answer: Answer;
let asked: IncomingMessage[];
let url: string;
const server = createServer((request, response) => {
  asked.push(request);
  answer(request, response);
});
beforeEach(async () => {
  asked = [];
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on a port has such an address.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const id = (n: number) => `aaaaaaaa.${n}`;

/** Opens one attempt and gathers what it tells, until it is over or has told so many things. */
function hear(
  transport: Transport,
  count = Number.POSITIVE_INFINITY,
  onTold: (told: readonly unknown[]) => void = () => undefined,
): Promise<unknown[]> {
  return new Promise((resolve) => {
    const told: unknown[] = [];
    const tell = (what: unknown, isOver = false) => {
      told.push(what);
      onTold(told);
      if (!isOver && told.length < count) return;
      close();
      resolve(told);
    };
    const close = transport.open(url, {
      onOpen: () => tell("open"),
      onBlock: ({ event, id, data }) => tell([event ?? "", id ?? "", data]),
      onRetry: () => undefined,
      onFailed: (failure) => tell(failure, true),
      onEnded: (isFinal) => tell(isFinal ? "final end" : "end", true),
    });
  });
}

const HEAD = { "content-type": "text/event-stream" };
const BLOCKS = 'retry: 1234\nid: a.1\nevent: stream-start\ndata: {}\n\nid: a.2\ndata: {"n":1}\n\n';
const HEARD = [
  ["stream-start", "a.1", "{}"],
  ["", "a.2", '{"n":1}'],
];
const native = () => createEventSourceTransport({ EventSource });

const refuse =
  (status: number, body = ""): Answer =>
  (request, response) =>
    void response
      .writeHead(status, { "content-type": "application/json" })
      .end(request.method === "HEAD" ? "" : body);

describe("fetch as a transport", () => {
  it("hands over blocks, and says of a body that just ends that it ended", async () => {
    answer = (_request, response) => void response.writeHead(200, HEAD).end(BLOCKS);
    expect(await hear(createFetchTransport())).toEqual(["open", ...HEARD, "end"]);
  });

  it("tells the server's wait", async () => {
    answer = (_request, response) => void response.writeHead(200, HEAD).end(BLOCKS);
    const waits: number[] = [];
    await new Promise<void>((resolve) => {
      createFetchTransport().open(url, {
        onOpen: () => undefined,
        onBlock: () => undefined,
        onRetry: (ms) => waits.push(ms),
        onFailed: () => resolve(),
        onEnded: () => resolve(),
      });
    });
    expect(waits).toEqual([1_234]);
  });

  it("reads blocks that come byte by byte", async () => {
    answer = (_request, response) => {
      response.writeHead(200, HEAD);
      for (const byte of Buffer.from("data: é€😀\n\n")) response.write(Uint8Array.of(byte));
      response.end();
    };
    expect(await hear(createFetchTransport())).toEqual(["open", ["", "", "é€😀"], "end"]);
  });

  it("fails where the connection is cut", async () => {
    let cut: (() => void) | undefined;
    answer = (_request, response) => {
      response.writeHead(200, HEAD);
      response.write(BLOCKS);
      cut = () => response.destroy();
    };
    // Once what came before it was heard: a cut may take with it what is on its way.
    const told = hear(createFetchTransport(), undefined, ({ length }) => length === 3 && cut?.());
    expect(await told).toEqual(["open", ...HEARD, { message: expect.stringContaining("TypeError") }]);
  });

  it.each([
    ["TypeError: Load failed", new TypeError("Load failed")],
    ["an AbortError of somebody else", new DOMException("The operation was aborted.", "AbortError")],
  ])("fails with %s", async (_name, error) => {
    const transport = createFetchTransport({ fetch: () => Promise.reject(error) });
    expect(await hear(transport)).toEqual([{ message: expect.stringContaining(error.message) }]);
  });

  it("fails with the server's status, code, words and wait", async () => {
    const error = { code: "overloaded", message: "Come later.", retryable: true };
    answer = (_request, response) =>
      void response.writeHead(503, { "retry-after": "7" }).end(JSON.stringify({ error }));
    expect(await hear(createFetchTransport())).toEqual([
      { status: 503, retryAfterMs: 7_000, code: "overloaded", message: "Come later.", isRetryable: true },
    ]);
    answer = refuse(502, "<html>Bad gateway</html>");
    expect(await hear(createFetchTransport())).toEqual([{ status: 502, retryAfterMs: 0 }]);
  });

  it("does not take the page of a hotel's network for an event stream", async () => {
    answer = (_request, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<p>");
    expect(await hear(createFetchTransport())).toEqual([{ status: 200, retryAfterMs: 0 }]);
  });

  it("ends for good with 204", async () => {
    answer = refuse(204);
    expect(await hear(createFetchTransport())).toEqual(["final end"]);
  });

  it("brings headers of one's own, asked for each time", async () => {
    answer = refuse(204);
    let token = 0;
    const transport = createFetchTransport({ headers: () => ({ authorization: `Bearer ${++token}` }) });
    await hear(transport);
    await hear(transport);
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(["Bearer 1", "Bearer 2"]);
    expect(asked[0]?.headers.accept).toBe("text/event-stream");
  });

  it("says nothing more once it is closed", async () => {
    const isGone = new Promise<void>((resolve) => {
      answer = (request, response) => {
        request.on("close", resolve);
        response.writeHead(200, HEAD).write(BLOCKS);
      };
    });
    const told = await hear(createFetchTransport(), 2);
    await isGone;
    expect(told).toEqual(["open", HEARD[0]]);
  });
});

describe("an EventSource as a transport", () => {
  it("hands over blocks, named ones too, and with the end of the body it is over", async () => {
    answer = (_request, response) => void response.writeHead(200, HEAD).end(BLOCKS);
    expect(await hear(native())).toEqual(["open", ...HEARD, {}]);
    expect(asked).toHaveLength(1);
  });

  it.each([401, 403, 404, 502])("asks once for the status %i that it hides", async (status) => {
    answer = refuse(status);
    expect(await hear(native())).toEqual([{ status, retryAfterMs: 0 }]);
    expect(asked).toHaveLength(2);
  });

  it("ends for good with 204", async () => {
    answer = refuse(204);
    expect(await hear(native())).toEqual(["final end"]);
  });

  it("tells what the server says of its refusal", async () => {
    answer = refuse(
      403,
      JSON.stringify({ error: { code: "forbidden", message: "Not yours.", retryable: false } }),
    );
    expect(await hear(native())).toMatchObject([{ status: 403, code: "forbidden", message: "Not yours." }]);
  });

  it("leaves nothing open where the server is back when it asks", async () => {
    let isGone = false;
    const gone = new Promise<void>((resolve) => {
      answer = (request, response) => {
        if (asked.length === 1) return void response.writeHead(502).end();
        request.on("close", () => {
          isGone = true;
          resolve();
        });
        response.writeHead(200, HEAD).flushHeaders();
      };
    });
    expect(await hear(native())).toEqual([{ status: 200 }]);
    await gone;
    expect(isGone).toBe(true);
  });

  it("fails where nobody listens", async () => {
    const transport = createEventSourceTransport({
      EventSource,
      fetch: () => Promise.reject(new TypeError("Load failed")),
    });
    answer = (_request, response) => void response.destroy();
    expect(await hear(transport)).toEqual([{}]);
  });
});

describe("a source over HTTP", () => {
  it.each([
    ["fetch", () => createFetchTransport()],
    ["EventSource", native],
  ])("by %s gets everything through 502, cuts and clean ends", async (_name, makeTransport) => {
    let gets = 0;
    answer = (request, response) => {
      gets++;
      if (gets % 3 === 1) return void response.writeHead(502).end("<html>Bad gateway</html>");
      const query = new URL(request.url ?? "", url).searchParams;
      const after = Number(query.get("last_event_id")?.split(".")[1] ?? 0);
      response.writeHead(200, HEAD);
      const start = { stream: "a", status: "resumed", from: id(after) };
      response.write(`id: ${id(after)}\nevent: stream-start\ndata: ${JSON.stringify(start)}\n\n`);
      const next = { stream: "a", event: { n: after + 1 } };
      response.write(`id: ${id(after + 1)}\ndata: ${JSON.stringify(next)}\n\n`, () => {
        if (gets % 3 === 2) response.end();
        else response.destroy();
      });
    };
    const source = createSource({ url, transport: makeTransport(), random: () => 0 });
    const ns: unknown[] = [];
    await new Promise<void>((resolve) => {
      source.follow("a", {
        kind: "log",
        onDelivery: (delivery) => {
          if (delivery.type === "event") ns.push(delivery.event["n"]);
          if (ns.length === 8) resolve();
        },
      });
    });
    source.close();
    expect(ns).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(source.counts).toMatchObject({ gaps: 0, doubles: 0 });
  });
});
