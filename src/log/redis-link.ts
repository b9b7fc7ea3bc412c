import { Redis } from "ioredis";
import type { RedisOptions } from "ioredis";
import { SCRIPTS } from "./redis-scripts.ts";

/** Where a Redis can be reached. */
export interface RedisAddress {
  host: string;
  port: number;
}

/** What is the same for all connections of a log. */
export type RedisAccess = Pick<RedisOptions, "username" | "password" | "db" | "tls">;

/** What a Redis says of itself when it is connected to. */
export interface RedisIdentity {
  /** Another after each start of its process: what a former one had committed may be gone. */
  runId: string;
  isCluster: boolean;
}

/** This Redis cannot hold a log; its text is for people. */
class RedisUnfitError extends Error {
  override name = "RedisUnfitError";
}

/** No answer came: whether the command took effect is not known. */
export class LinkLostError extends Error {
  override name = "LinkLostError";
}

export interface RedisLinkOptions {
  access: RedisAccess;
  /** Whether scripts will be run over it. */
  hasScripts: boolean;
  /** It can be used, from now on and with this identity. */
  onReady: (identity: RedisIdentity) => void;
  onDown?: () => void;
  /** It was connected to, and cannot be used; it is tried again. */
  onUnfit?: (error: Error) => void;
}

const CONNECT_MS = 2_000;
/** A Redis that answers nothing for so long is taken for gone. */
const SILENCE_MS = 5_000;
const HEARTBEAT_MS = 1_000;
const MIN_WAIT_MS = 20;
const MAX_WAIT_MS = 1_000;
const MIN_VERSION = [6, 2];

/** One connection to one Redis, made again until it is closed. What is sent keeps its order, and nothing is sent again by itself. */
export class RedisLink {
  readonly address: RedisAddress;
  readonly #options: RedisLinkOptions;
  #client: Redis | undefined;
  #identity: RedisIdentity | undefined;
  #isClosed = false;
  #wakeUp: (() => void) | undefined;
  /** A connection that broke in silence is seen by what is written to it. */
  readonly #heartbeat = setInterval(() => void this.#client?.ping().catch(() => undefined), HEARTBEAT_MS);

  constructor(address: RedisAddress, options: RedisLinkOptions) {
    this.address = address;
    this.#options = options;
    void this.#run();
  }

  /** Undefined while it is not connected. */
  get identity(): RedisIdentity | undefined {
    return this.#identity;
  }

  /** Sends a command. Errors: LinkLostError; what Redis answers, as it comes. */
  async send(name: string, args: readonly (string | number)[]): Promise<unknown> {
    const client = this.#client;
    if (client === undefined) throw new LinkLostError("not connected");
    try {
      return await client.call(name, ...args);
    } catch (error) {
      if (error instanceof Error && error.name === "ReplyError") throw error;
      throw new LinkLostError("the connection was lost", { cause: error });
    }
  }

  /** Calls back with what is published in these channels, for as long as this connection lasts: `onReady` asks for it anew. */
  async subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void) {
    const client = this.#client;
    client?.on("message", onMessage);
    await client?.subscribe(...channels);
  }

  /** Ends this connection and makes another, such as where a Redis is no master any more. */
  reset(): void {
    this.#client?.disconnect();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#heartbeat);
    this.#wakeUp?.();
    this.reset();
  }

  async #run(): Promise<void> {
    for (let waitMs = MIN_WAIT_MS; !this.#isClosed; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
      const client = this.#createClient();
      const gone = new Promise<void>((resolve) => client.once("end", () => resolve()));
      try {
        await client.connect();
        const identity = await greet(client);
        if (this.#options.hasScripts) {
          const sources = Object.values(SCRIPTS).map(({ source }) => source);
          await Promise.all(sources.map((source) => client.call("SCRIPT", "LOAD", source)));
        }
        if (!this.#isClosed) {
          this.#client = client;
          this.#identity = identity;
          this.#options.onReady(identity);
          waitMs = MIN_WAIT_MS;
        } else client.disconnect();
        await gone;
        this.#client = undefined;
        this.#identity = undefined;
        if (!this.#isClosed) this.#options.onDown?.();
      } catch (error) {
        client.disconnect();
        this.#options.onUnfit?.(error instanceof Error ? error : new Error(String(error)));
      }
      if (this.#isClosed) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs * (0.5 + Math.random()));
        this.#wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #createClient(): Redis {
    const { host, port } = this.address;
    const client = new Redis({
      ...this.#options.access,
      host,
      port,
      protocol: 2,
      lazyConnect: true,
      retryStrategy: null, // it is connected anew here
      enableOfflineQueue: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      maxRetriesPerRequest: null,
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
    });
    // Each failure also ends the connection, which is where it is heard.
    client.on("error", () => undefined);
    return client;
  }
}

/** Asks a Redis who it is. Errors: RedisUnfitError where it cannot hold a log now. */
async function greet(client: Redis): Promise<RedisIdentity> {
  const info = String(await client.call("INFO"));
  const read = (field: string) => new RegExp(`^${field}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const version = read("redis_version") ?? "";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < (MIN_VERSION[0] ?? 0) || (major === MIN_VERSION[0] && minor < (MIN_VERSION[1] ?? 0))) {
    throw new RedisUnfitError(`It is version ${version}; Millrace needs ${MIN_VERSION.join(".")} or newer.`);
  }
  if (read("loading") === "1") throw new RedisUnfitError("It is reading its data from the disk.");
  if (read("role") !== "master") throw new RedisUnfitError("It is a replica; name the master.");
  const policy = read("maxmemory_policy") ?? "noeviction";
  if (policy !== "noeviction") {
    throw new RedisUnfitError(
      `Its maxmemory-policy is ${policy}, which would throw away what was acknowledged. Set it to noeviction.`,
    );
  }
  return { runId: read("run_id") ?? "", isCluster: read("cluster_enabled") === "1" };
}
