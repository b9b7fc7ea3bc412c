import { request as requestHttp } from "node:http";
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { createParser } from "eventsource-parser";

/** A block as it came, with the time since the request was sent. */
export interface HeardBlock {
  atMs: number;
  id?: string | undefined;
  event?: string | undefined;
  data: string;
}

/** What one request was answered with, so far. */
export interface Heard {
  /** 0 until the head has come. */
  status: number;
  headers: IncomingHttpHeaders;
  httpVersion: string;
  /** Milliseconds from the request to the head, as all times here. */
  headMs: number;
  /** When bytes of the body came. */
  pieces: { atMs: number; bytes: number }[];
  blocks: HeardBlock[];
  comments: number;
  retries: number[];
  /** Lines that no browser takes for what they seem to say. */
  badLines: string[];
  /** How long it was listened to, once it is closed. */
  heardMs?: number;
  /** Set when the body has ended, as it should or in the middle. */
  end?: { atMs: number; isWhole: boolean };
  /** Why no head will come. */
  failure?: string;
}

/** A request that is being answered. */
export interface Listening {
  readonly heard: Heard;
  /** Waits until something is true of what was heard, or the time is over, or the head failed; says which. */
  until(isTrue: (heard: Heard) => boolean, ms: number): Promise<boolean>;
  close(): void;
}

export interface ListenOptions {
  url: string;
  method?: string;
  headers?: Readonly<Record<string, string>>;
}

const MAX_REDIRECTS = 5;
const SECRET = /^(authorization|cookie|proxy-authorization|x-api-key)$/i;
/** More is not needed to judge, and an endless line must not fill the memory. */
const MAX_BYTES = 8_388_608;
const MAX_BLOCKS = 20_000;

/** Nobody answered. Its text says why. */
export class NoAnswer extends Error {
  override name = "NoAnswer";
}

/** Sends a request and listens to its answer until it is closed. A redirect is followed as a browser does, without what is secret where
 *  it leads to another origin. */
export function listen({ url, method = "GET", headers = {} }: ListenOptions): Listening {
  const startedAt = performance.now();
  const since = () => performance.now() - startedAt;
  const heard: Heard = {
    status: 0,
    headers: {},
    httpVersion: "",
    headMs: 0,
    pieces: [],
    blocks: [],
    comments: 0,
    retries: [],
    badLines: [],
  };
  const waiting = new Set<() => void>();
  let isClosed = false;
  const changed = () => {
    for (const look of waiting) look();
  };
  const ended = (isWhole: boolean) => {
    if (!isClosed) heard.end ??= { atMs: since(), isWhole };
    changed();
  };

  function send(to: string, sent: Readonly<Record<string, string>>, redirects: number): ClientRequest {
    const open = to.startsWith("https:") ? requestHttps : requestHttp;
    const asking = open(to, { method, headers: sent, agent: false }, (response) => {
      const { location } = response.headers;
      const isRedirect = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0);
      if (isRedirect && location !== undefined && redirects < MAX_REDIRECTS && URL.canParse(location, to)) {
        asking.destroy();
        const next = new URL(location, to);
        request = send(
          next.href,
          next.origin === new URL(to).origin ? sent : publicHeaders(sent),
          redirects + 1,
        );
        return;
      }
      Object.assign(heard, {
        status: response.statusCode ?? 0,
        headers: response.headers,
        httpVersion: response.httpVersion,
        headMs: since(),
      });
      hear(response);
      changed();
    });
    asking.on("error", (error) => {
      // After the head the response says it; of a redirect that was left it is nothing.
      if (heard.status !== 0 || asking !== request) return;
      heard.failure ??= reasonOf(error);
      changed();
    });
    return asking.end();
  }

  function hear(response: IncomingMessage): void {
    const parser = createParser({
      onEvent: ({ id, event, data }) => heard.blocks.push({ atMs: since(), id, event, data }),
      onComment: () => (heard.comments += 1),
      onRetry: (ms) => heard.retries.push(ms),
      onError: (error) => {
        if (heard.badLines.length < 20) heard.badLines.push(error.line ?? error.value ?? error.type);
      },
    });
    const decoder = new TextDecoder();
    let bytes = 0;
    response.on("data", (piece: Buffer) => {
      heard.pieces.push({ atMs: since(), bytes: piece.length });
    });
    const body = decode(response);
    body.on("data", (piece: Buffer) => {
      bytes += piece.length;
      parser.feed(decoder.decode(piece, { stream: true }));
      if (bytes > MAX_BYTES || heard.blocks.length > MAX_BLOCKS) request.destroy();
      changed();
    });
    body.on("end", () => ended(response.complete));
    body.on("error", () => ended(false));
    response.on("error", () => ended(false));
    response.on("close", () => ended(response.complete));
  }

  let request = send(url, headers, 0);
  return {
    heard,
    until(isTrue, ms) {
      return new Promise((resolve) => {
        const done = (is: boolean) => {
          clearTimeout(timer);
          waiting.delete(look);
          resolve(is);
        };
        const look = () => {
          if (isTrue(heard)) done(true);
          else if (heard.failure !== undefined) done(false);
        };
        const timer = setTimeout(() => done(isTrue(heard)), Math.max(0, ms));
        waiting.add(look);
        look();
      });
    },
    close() {
      // What the closing itself does is not heard.
      isClosed = true;
      heard.heardMs ??= since();
      request.destroy();
    },
  };
}

function publicHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRET.test(name)));
}

function reasonOf(error: Error & { code?: string }): string {
  if (error.code === "ECONNREFUSED") return "nobody listens there";
  if (error.code === "ENOTFOUND") return "there is no such host";
  return error.message === "" ? String(error.code) : error.message;
}

/** Gives out what a compressed piece holds at once, as a browser does. */
function decode(response: IncomingMessage): NodeJS.ReadableStream {
  const flush = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
  switch (response.headers["content-encoding"]) {
    case "gzip":
      return response.pipe(createGunzip(flush));
    case "deflate":
      return response.pipe(createInflate(flush));
    case "br":
      return response.pipe(
        createBrotliDecompress({
          flush: constants.BROTLI_OPERATION_FLUSH,
          finishFlush: constants.BROTLI_OPERATION_FLUSH,
        }),
      );
    default:
      return response;
  }
}
