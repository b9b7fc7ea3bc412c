import { connect } from "node:tls";
import { NoAnswer, listen } from "./listening.ts";
import type { Heard, HeardBlock, Listening } from "./listening.ts";
import { createPublisher } from "./publisher.ts";
import type { Publication, Publisher } from "./publisher.ts";

export interface ExamineOptions {
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** How long it listens for silence and cuts, in milliseconds. */
  timeoutMs: number;
  /** How long an answer, or an event that was published, is waited for, in milliseconds. */
  waitMs: number;
  /** Where a POST makes an event come, and with what: `{mark}` in the body is what the doctor knows its event by. */
  publish?: { url: string; body: string };
  /** An origin whose pages are to read it. */
  origin?: string;
  /** Chance, for what nobody else says. Default `crypto.randomUUID`. */
  createMark?: () => string;
}

/** What was seen of an endpoint. The findings follow from it. */
export interface Observations {
  /** The reader that stayed. */
  main: Heard;
  /** Two events, published apart; the second once the first had come, or was given up. */
  publications?: Publication[];
  /** What it took for an event that was held back to come. */
  filler?: { bytes: number; isThrough: boolean };
  /** A reader that came back with the id of an event, and what it had missed by then. */
  resumed?: { heard: Heard; seen: HeardBlock[]; missed: HeardBlock[] };
  /** A reader that came back with an id that nobody was given. */
  lost?: Heard;
  /** A reader that came back after the end. */
  again?: Heard;
  /** What was sent so that it should come back as an event of its own, and did. */
  injections: string[];
  /** How many ways of that were tried. */
  tried: string[];
  strange: { origin: string; heard: Heard }[];
  wanted?: { origin: string; heard: Heard; preflight: Heard };
  /** Undefined: it did not answer in time. */
  head: Heard | undefined;
  /** Over TLS: what the server chose. */
  alpn?: string;
}

const EVENTS = { accept: "text/event-stream", "cache-control": "no-cache" };
const STRANGE_ORIGINS = ["https://doctor.invalid", "null"];
const FILLERS = 16;
const FILLER_LENGTH = 4_096;

/** Asks an endpoint, from outside, what its readers would; about ten requests, each closed by the doctor.
 *  Done:   when all has been seen, `timeoutMs` and some waits after its begin.
 *  Errors: NoAnswer where nobody answers. */
export async function examine(options: ExamineOptions): Promise<Observations> {
  const { url, timeoutMs, waitMs, publish, createMark = () => crypto.randomUUID() } = options;
  const ask: Ask = async (more = {}) => {
    const listening = listen({
      url,
      ...more,
      // As a browser asks: what is compressed then is compressed for it.
      headers: { ...EVENTS, "accept-encoding": "gzip, deflate, br", ...options.headers, ...more.headers },
    });
    await listening.until(({ status }) => status !== 0, waitMs);
    return listening;
  };
  const startedAt = performance.now();
  const main = await ask();
  const seen: Observations = { main: main.heard, injections: [], tried: [], strange: [], head: undefined };
  const publisher =
    publish && createPublisher({ ...publish, headers: options.headers ?? {}, createMark, waitMs });
  try {
    if (main.heard.failure !== undefined) throw new NoAnswer(main.heard.failure);
    // A head that waits for the first event comes with it.
    if (main.heard.status === 0 && publisher === undefined)
      await main.until(({ status }) => status !== 0, timeoutMs - waitMs);
    const isToHear = main.heard.status === 0 ? publisher !== undefined : isEventStream(main.heard);
    if (!isToHear) return seen;
    await main.until(({ pieces, end }) => pieces.length > 0 || end !== undefined, waitMs);
    if (publisher !== undefined) await watchEvents(seen, main, publisher, waitMs);
    else await main.until(({ blocks }) => blocks.filter(isContent).length >= 3, waitMs);
    if (!isEventStream(main.heard)) return seen;

    await lookElsewhere(seen, ask, options);
    await comeBack(seen, main, ask, waitMs);
    await inject(seen, main, ask, publisher, { waitMs, createMark, url });
    await main.until(({ end }) => end !== undefined, timeoutMs - (performance.now() - startedAt));
    if (main.heard.end !== undefined) {
      const again = await ask(lastIdOf(main.heard));
      await again.until(({ blocks, end }) => blocks.length > 0 || end !== undefined, waitMs);
      again.close();
      seen.again = again.heard;
    }
    return seen;
  } finally {
    main.close();
  }
}

export function isEventStream({ status, headers }: Heard): boolean {
  return status === 200 && /^text\/event-stream\s*(;|$)/i.test(headers["content-type"] ?? "");
}

/** Whether a block is something that was said, and not about the connection. */
export function isContent({ event, data }: HeardBlock): boolean {
  return data !== "" && !/^(stream-\w|ping|heartbeat|keep-?alive|open|connected|ready$)/i.test(event ?? "");
}

/** Events that are sent apart should arrive apart. */
async function watchEvents(
  seen: Observations,
  main: Listening,
  publisher: Publisher,
  waitMs: number,
): Promise<void> {
  seen.publications = [];
  for (const at of [0, 1]) {
    if (at === 1) await main.until(() => false, Math.min(1_000, waitMs / 3));
    const publication = await publisher.publish(main);
    seen.publications.push(publication);
    if (publication.status === "refused") return;
  }
  const [first] = seen.publications;
  if (first?.status !== "missing") return;
  // Held back, until more has come than the one in between gathers?
  for (let sent = 1; sent <= FILLERS; sent++) {
    await publisher.send(noise());
    const isThrough = await main.until(({ blocks }) => publisher.find(blocks, first.mark), 50);
    seen.filler = { bytes: sent * FILLER_LENGTH, isThrough };
    if (isThrough) return;
  }
  const isThrough = await main.until(({ blocks }) => publisher.find(blocks, first.mark), waitMs);
  seen.filler = { bytes: FILLERS * FILLER_LENGTH, isThrough };
}

/** What no compressor makes small. */
function noise(): string {
  return Array.from({ length: FILLER_LENGTH / 32 }, () => crypto.randomUUID().replaceAll("-", "")).join("");
}

type Ask = (more?: { headers?: Record<string, string>; method?: string; url?: string }) => Promise<Listening>;

async function lookElsewhere(
  seen: Observations,
  ask: Ask,
  { url, waitMs, origin, headers = {} }: ExamineOptions,
): Promise<void> {
  const look = async (more: Parameters<Ask>[0]) => {
    const listening = await ask(more);
    listening.close();
    return listening.heard;
  };
  for (const strange of STRANGE_ORIGINS)
    seen.strange.push({ origin: strange, heard: await look({ headers: { origin: strange } }) });
  if (origin !== undefined) {
    const asking = {
      "access-control-request-method": "GET",
      "access-control-request-headers": "last-event-id",
    };
    seen.wanted = {
      origin,
      heard: await look({ headers: { origin } }),
      preflight: await look({ method: "OPTIONS", headers: { origin, ...asking } }),
    };
  }
  const head = listen({ url, method: "HEAD", headers: { ...EVENTS, ...headers } });
  await head.until(({ status }) => status !== 0, waitMs);
  head.close();
  seen.head = head.heard.status === 0 ? undefined : head.heard;
  const alpn = url.startsWith("https:") ? await chooseProtocol(url, waitMs) : undefined;
  if (alpn !== undefined) seen.alpn = alpn;
}

/** A reader that comes back with an id, and one that comes back with an id that the server cannot know. */
async function comeBack(seen: Observations, main: Listening, ask: Ask, waitMs: number): Promise<void> {
  const known = main.heard.blocks.filter((block) => isContent(block) && block.id !== undefined);
  const at = known.at(-2);
  const id = at?.id;
  if (at === undefined || id === undefined) return;
  const before = main.heard.blocks.slice(0, main.heard.blocks.indexOf(at) + 1).filter(isContent);
  const missed = known.slice(known.indexOf(at) + 1).filter((block) => block.id !== id);
  const back = await ask({ headers: { "last-event-id": asHeader(id) } });
  await back.until(
    ({ blocks, end }) =>
      end !== undefined || missed.every((block) => blocks.some((one) => isSame(one, block))),
    waitMs,
  );
  back.close();
  seen.resumed = { heard: back.heard, seen: before, missed };
  const lost = await ask({ headers: { "last-event-id": asHeader(unknownId(id)) } });
  await lost.until(
    ({ blocks, end }) =>
      end !== undefined || blocks.some((block) => isContent(block) || /reset|gap/.test(block.event ?? "")),
    waitMs,
  );
  lost.close();
  seen.lost = lost.heard;
}

export function isSame(one: HeardBlock, other: HeardBlock): boolean {
  return one.id === other.id && one.event === other.event && one.data === other.data;
}

/** An id of the same form that nobody was given: of another life of the server, far ahead. */
export function unknownId(id: string): string {
  if (/^\d+$/.test(id)) return `${Number(id.slice(0, 9)) + 1}000000000`;
  const end = /\d+$/.exec(id)?.[0] ?? "";
  const rest = id.slice(0, id.length - end.length);
  const other = rest.replace(/[a-z0-9]/gi, (letter) =>
    /\d/.test(letter) ? String(9 - Number(letter)) : letter === "q" || letter === "Q" ? "w" : "q",
  );
  return rest === "" || other === rest ? `${id}9999` : `${other}${end}`;
}

/** [WHATWG 9.2.6] the id is sent as UTF-8; Node takes a header's characters for bytes. */
function asHeader(id: string): string {
  return Buffer.from(id).toString("latin1");
}

function lastIdOf({ blocks }: Heard): { headers?: Record<string, string> } {
  const id = blocks.findLast((block) => block.id !== undefined)?.id;
  return id === undefined ? {} : { headers: { "last-event-id": asHeader(id) } };
}

/** Tries to have what is a value come out as a field of its own. */
async function inject(
  seen: Observations,
  main: Listening,
  ask: Ask,
  publisher: Publisher | undefined,
  { waitMs, createMark, url }: { waitMs: number; createMark: () => string; url: string },
): Promise<void> {
  const mark = createMark();
  const asked = new URL(url);
  for (const name of ["last_event_id", "lastEventId", "evs_last_event_id"])
    asked.searchParams.set(name, `1\r\rdata: forged-${mark}\r\r\n\ndata: forged-${mark}\n\n`);
  const reader = await ask({ url: asked.href });
  seen.tried.push("an id in the query");
  if (await reader.until(({ blocks }) => isForged(blocks, mark), Math.min(waitMs, 500)))
    seen.injections.push("an id in the query");
  reader.close();
  if (publisher === undefined || seen.publications?.[0]?.status === "refused") return;
  for (const [name, line] of [
    ["a CR", "\r"],
    ["an LF", "\n"],
  ] as const) {
    const own = createMark();
    const how = `${name} in what is published`;
    seen.tried.push(how);
    await publisher.send(`${own}${line}${line}data: forged-${own}${line}${line}`);
    if (await main.until(({ blocks }) => isForged(blocks, own), Math.min(waitMs, 500)))
      seen.injections.push(how);
  }
}

function isForged(blocks: readonly HeardBlock[], mark: string): boolean {
  return blocks.some(({ data, event, id }) =>
    [data, event, id].some((field) => field?.startsWith(`forged-${mark}`) === true),
  );
}

function chooseProtocol(url: string, waitMs: number): Promise<string | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(
      {
        host: hostname,
        port: Number(port || 443),
        servername: hostname,
        ALPNProtocols: ["h2", "http/1.1"],
        // Only what it would speak is asked.
        rejectUnauthorized: false,
        timeout: waitMs,
      },
      () =>
        done(socket.alpnProtocol === false || socket.alpnProtocol === null ? undefined : socket.alpnProtocol),
    );
    const done = (protocol: string | undefined) => {
      socket.destroy();
      resolve(protocol);
    };
    socket.once("timeout", () => done(undefined));
    socket.once("error", () => done(undefined));
  });
}
