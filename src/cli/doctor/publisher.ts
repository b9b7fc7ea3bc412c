import type { HeardBlock, Listening } from "./listening.ts";

/** What became of an event that was published. */
export type Publication =
  /** It came so many milliseconds after the publisher had its answer, or before (0). */
  | { status: "arrived"; afterMs: number; atMs: number }
  | { status: "missing"; mark: string }
  /** The publisher was refused, with this status; 0: nobody answered. */
  | { status: "refused"; code: number };

/** Makes events come. */
export interface Publisher {
  /** Publishes an event and waits for it. */
  publish(reader: Listening): Promise<Publication>;
  /** Publishes a text, and waits for no event. */
  send(text: string): Promise<number>;
  find(blocks: readonly HeardBlock[], mark: string): boolean;
}

export interface PublisherOptions {
  url: string;
  /** `{mark}` in it becomes the text. */
  body: string;
  headers: Readonly<Record<string, string>>;
  createMark: () => string;
  waitMs: number;
}

export function createPublisher({ url, body, headers, createMark, waitMs }: PublisherOptions): Publisher {
  const isJson = /^\s*[{["]/.test(body);

  async function send(text: string): Promise<number> {
    const put = isJson ? JSON.stringify(text).slice(1, -1) : text;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": isJson ? "application/json" : "text/plain", ...headers },
        body: body.replaceAll("{mark}", () => put),
        signal: AbortSignal.timeout(Math.max(waitMs, 10_000)),
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return 0; // nobody answered: said as such
    }
  }

  return {
    send,
    find,
    async publish(reader) {
      const mark = createMark();
      const code = await send(mark);
      if (code < 200 || code > 299) return { status: "refused", code };
      const answeredAt = performance.now();
      if (!(await reader.until(({ blocks }) => find(blocks, mark), waitMs)))
        return { status: "missing", mark };
      const atMs = reader.heard.blocks.find((block) => find([block], mark))?.atMs ?? 0;
      return { status: "arrived", afterMs: performance.now() - answeredAt, atMs };
    },
  };
}

function find(blocks: readonly HeardBlock[], mark: string): boolean {
  return blocks.some(({ data, event, id }) =>
    [data, event, id].some((field) => field?.includes(mark) === true),
  );
}
