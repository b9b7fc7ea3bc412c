import type { Connection } from "./connection.ts";
import type { HubCounts, ReaderGone, ReaderLook } from "./look.ts";

/** Readers that have gone, of which something is still known. */
const MAX_GONE = 500;

/** What is known of a reader beside what it is. */
interface Arrival {
  id: number;
  request: string | undefined;
  who: string | undefined;
  began: ReaderLook["began"];
  cameAt: number;
}

/** Who reads and who has gone, for who runs the server: nothing that a reader gets hangs on it. */
export class Roll {
  readonly #arrivals = new Map<Connection, Arrival>();
  readonly #gone: ReaderGone[] = [];
  readonly #counts: HubCounts = { came: 0, resumed: 0, resets: 0, stalled: 0, replayedBytes: 0 };

  enter(connection: Connection, { request, who, began }: Omit<Arrival, "id" | "cameAt">): void {
    this.#counts.came += 1;
    if (began === "resumed") this.#counts.resumed += 1;
    else if (began === "reset") this.#counts.resets += 1;
    this.#arrivals.set(connection, { id: this.#counts.came, request, who, began, cameAt: Date.now() });
  }

  /** Keeps what is known of one that goes. */
  leave(connection: Connection): void {
    const arrival = this.#arrivals.get(connection);
    if (arrival === undefined) return;
    this.#arrivals.delete(connection);
    this.#counts.replayedBytes += connection.replayedBytes;
    if (connection.why === "stalled") this.#counts.stalled += 1;
    this.#gone.push({ ...lookAt(connection, arrival), leftAt: Date.now(), why: connection.why ?? "left" });
    // Rarely, and many at a time.
    if (this.#gone.length >= 2 * MAX_GONE) this.#gone.splice(0, this.#gone.length - MAX_GONE);
  }

  find(id: number): Connection | undefined {
    for (const [connection, arrival] of this.#arrivals) if (arrival.id === id) return connection;
    return undefined;
  }

  look(): ReaderLook[] {
    return [...this.#arrivals].map(([connection, arrival]) => lookAt(connection, arrival));
  }

  /** The last that have gone, newest first. */
  gone(): ReaderGone[] {
    return this.#gone.slice(-MAX_GONE).toReversed();
  }

  get counts(): HubCounts {
    let { replayedBytes } = this.#counts;
    for (const connection of this.#arrivals.keys()) replayedBytes += connection.replayedBytes;
    return { ...this.#counts, replayedBytes };
  }
}

function lookAt(connection: Connection, { request, who, ...arrival }: Arrival): ReaderLook {
  return {
    ...arrival,
    ...(request !== undefined && { request }),
    ...(who !== undefined && { who }),
    ...(connection.caughtUpAt !== undefined && { caughtUpAt: connection.caughtUpAt }),
    transport: connection.transport,
    state: connection.isLive ? "live" : connection.isBlocked ? "blocked" : "behind",
    bytes: connection.sent,
    replayedBytes: connection.replayedBytes,
    buffered: connection.buffered,
    streams: connection.look(),
  };
}
