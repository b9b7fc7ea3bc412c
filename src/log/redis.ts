import { cursorAt, formatCursor } from "../protocol/cursor.ts";
import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import type { Bus } from "./bus.ts";
import type {
  AppendOptions,
  AppendOutcome,
  Commit,
  CreateOptions,
  Log,
  NewEvent,
  OpenWriter,
  ReadLimit,
  StreamInfo,
} from "./log.ts";
import { createRedisBus } from "./redis-bus.ts";
import { claimLifetime, createRedisClaims, toRecord } from "./redis-claims.ts";
import type { Prepared } from "./redis-claims.ts";
import { createCompactor } from "./redis-compact.ts";
import { createRedisKeys, partitionOf } from "./redis-keys.ts";
import type { ScriptCall } from "./redis-lane.ts";
import { createLeases } from "./redis-leases.ts";
import { readDescription, readRecords } from "./redis-reply.ts";
import { createTopology } from "./redis-topology.ts";
import { RedisLogError, parseRedisUrl } from "./redis-url.ts";
import { createWakeReader } from "./redis-wake.ts";
import { createWatchers } from "./redis-watch.ts";
import { readEntries, readSingles } from "./record-entries.ts";
import type { LogRecord } from "./store.ts";
import { DEFAULT_RETENTION, checkEventLength, createEpoch } from "./stream-rules.ts";

export interface RedisLogOptions {
  /** `redis://[user:password@]host[:port][/db][?prefix=millrace]`, `rediss://` with TLS; masters of a Cluster with commas between. */
  url: string;
  /** How long an append or a read may wait while Redis cannot be reached, in milliseconds. Default 5,000. */
  timeoutMs?: number;
  /** How long the first connection may take, in milliseconds. Default 10,000. */
  connectMs?: number;
  /** Unix milliseconds. Default `Date.now`. */
  now?: () => number;
}

/** A log in Redis, shared by all nodes that name the same one. */
export interface RedisLog extends Log {
  /** Hints between the nodes. */
  readonly bus: Bus;
  deadWriters(): Promise<OpenWriter[]>;
}

const ATTEMPTS = 20;

/** Opens the log in a Redis, or in a Redis Cluster.
 *  Promise: what was appended is what Redis has committed; what survives a restart of Redis is what it was told to keep
 *           (`appendonly`, `appendfsync`). Where it may have lost something, a new epoch tells readers.
 *  Errors:  RedisLogError. */
export async function openRedisLog(options: RedisLogOptions): Promise<RedisLog> {
  const { timeoutMs = 5_000, connectMs = 10_000, now = Date.now } = options;
  const { seeds, access, prefix, shown } = parseRedisUrl(options.url);
  const keys = createRedisKeys(prefix);
  const node = crypto.randomUUID();
  const topology = createTopology({ seeds, access, timeoutMs });
  if (!(await within(topology.ready, connectMs))) {
    const { problem } = topology;
    await topology.close();
    throw new RedisLogError(
      `Redis at ${shown} cannot be used: ${problem?.message.replace(/\.$/, "") ?? "no answer"}. Mend that, or name another with --log.`,
    );
  }
  const claims = createRedisClaims(topology, keys, now);
  const watchers = createWatchers(async (stream, after, limit) => {
    const { records, ...outcome } = await look(stream, after, limit);
    // Single: a reader may stand inside of what would be merged.
    return outcome.status === "page" ? { ...outcome, entries: readSingles(records, after) } : outcome;
  });
  const wakes = createWakeReader({
    topology,
    access,
    keys,
    onWake: (stream, commit, isDeleted) => watchers.onWake(stream, commit, isDeleted),
    onMissed(partition) {
      for (const stream of watchers.names) if (partitionOf(stream) === partition) watchers.recheck(stream);
    },
  });
  const leases = createLeases(topology, keys, node);
  const bus = createRedisBus({ topology, access, keys, node });
  const compactor = createCompactor(run);
  let isClosed = false;

  /** Runs a script on a stream. */
  function run(
    stream: StreamName,
    call: Omit<ScriptCall, "keys"> & { extraKeys?: string[] },
  ): Promise<unknown> {
    if (isClosed) throw new StreamError("log-unavailable", "The log is closed. Nothing was written.");
    const lane = topology.lanes[partitionOf(stream)];
    if (lane === undefined) throw new Error(`there is no partition for ${stream}`);
    return lane.run({ ...call, keys: [...keys.stream(stream), ...(call.extraKeys ?? [])] });
  }

  async function look(
    stream: StreamName,
    after: number,
    { maxEntries = 1_000, maxLength = 49_152 }: ReadLimit = {},
  ): Promise<Looked> {
    const args = [now(), stream, after, maxEntries, maxLength];
    const reply = (await run(stream, { script: "look", args, isSafe: true })) as unknown[];
    const records: LogRecord[] = [];
    if (reply[0] === "missing") return { status: "missing", commit: Number(reply[1]), records };
    const { info, commit } = readDescription(reply);
    if (reply[0] === "trimmed") return { status: "trimmed", info, commit, records };
    if (after >= 0) records.push(...readRecords(reply));
    return { status: "page", info, commit, records };
  }

  async function append(
    stream: StreamName,
    events: readonly NewEvent[],
    options: AppendOptions = {},
  ): Promise<AppendOutcome> {
    for (const { data } of events) checkEventLength(data);
    if (options.key === undefined) return appendOnce(stream, events, options);
    const claimed = appendClaimed(stream, events, options, options.key);
    claims.track(options.key.id, claimed);
    return claimed;
  }

  /** In a Cluster a claim may be taken over before its append is there; then it claims anew. */
  async function appendClaimed(
    stream: StreamName,
    events: readonly NewEvent[],
    options: AppendOptions,
    key: NonNullable<AppendOptions["key"]>,
  ): Promise<AppendOutcome> {
    let voided: string | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { place, ready } = claims.prepare(key, stream, voided);
      const outcome = await appendOnce(stream, events, options, { place, ready });
      if (outcome.status !== "voided") return outcome;
      voided = outcome.token;
    }
    throw new Error(`the key ${key.id} is claimed by others all the time`);
  }

  function appendOnce(
    stream: StreamName,
    events: readonly NewEvent[],
    options: AppendOptions,
  ): Promise<AppendOutcome>;
  function appendOnce(
    stream: StreamName,
    events: readonly NewEvent[],
    options: AppendOptions,
    claim: { place: string; ready: Promise<Prepared> | undefined },
  ): Promise<AppendOutcome | { status: "voided"; token: string }>;
  async function appendOnce(
    stream: StreamName,
    events: readonly NewEvent[],
    options: AppendOptions,
    claim?: { place: string; ready: Promise<Prepared> | undefined },
  ): Promise<AppendOutcome | { status: "voided"; token: string }> {
    const at = now();
    const args = appendArguments(stream, events, options, at);
    let known: AppendOutcome | undefined;
    // The call is sent after this, with the token that this puts among its arguments.
    const after = claim?.ready?.then((prepared) => {
      if (prepared.status === "claimed") args[TOKEN_AT] = prepared.token;
      else {
        known = prepared.outcome;
        throw new StreamError("log-unavailable", "Another has claimed this key.");
      }
    });
    let reply: unknown[];
    try {
      reply = (await run(stream, {
        script: "append",
        args,
        identityAt: IDENTITY_AT,
        // A step that was taken is answered again, and so is a key. Steps keep their order by their numbers.
        isSafe: options.writer !== undefined || claim !== undefined,
        ...(options.writer === undefined && { stream }),
        ...(claim && { extraKeys: [claim.place] }),
        ...(after && { after }),
      })) as unknown[];
    } catch (error) {
      if (known !== undefined) return known;
      throw error;
    }
    if (reply[0] !== "appended") return refusal(reply, String(args[TOKEN_AT]));
    const { info, commit, loose } = readDescription(reply);
    const first = Number(reply[9]);
    if (watchers.has(stream)) {
      const entries = events.map(({ data }, index) => ({ offset: first + index, span: 1, at, data }));
      watchers.onAppended(stream, { commit, first, entries, info });
    }
    const isOver = options.close === true || options.endsWriter !== undefined;
    if (info.kind === "chat") compactor.noteAppend(stream, info.head, loose, isOver);
    return {
      status: "appended",
      first,
      last: info.head,
      cursor: formatCursor(cursorAt(info.epochs, info.head)),
    };
  }

  function appendArguments(
    stream: StreamName,
    events: readonly NewEvent[],
    { create, close, writer, isSole, endsWriter, key }: AppendOptions,
    at: number,
  ): (string | number)[] {
    return [
      ...createArguments(stream, create, at),
      node,
      close === true ? 1 : 0,
      writer?.id ?? "",
      writer?.epoch ?? 0,
      writer?.seq ?? 0,
      isSole === true ? 1 : 0,
      endsWriter ?? "",
      key?.digest ?? "",
      key?.note === undefined ? "" : `n${key.note}`,
      key?.expiresAt ?? "",
      key === undefined ? "" : claimLifetime(key.expiresAt, at),
      "",
      ...events.flatMap(({ data, key: name, isDeleted }) => [
        data,
        data.length,
        name === undefined ? "" : `k${name}`,
        isDeleted === true ? 1 : 0,
      ]),
    ];
  }

  return {
    bus,
    append,
    async create(stream, create) {
      const args = createArguments(stream, create, now());
      const reply = (await run(stream, {
        script: "create",
        args,
        identityAt: IDENTITY_AT,
        isSafe: true,
      })) as unknown[];
      const { info, commit } = readDescription(reply);
      if (reply[0] === "created") {
        watchers.onAppended(stream, { commit, first: 1, entries: [], info });
        return { status: "created", info };
      }
      return { status: info.kind === create.kind ? "exists" : "kind-conflict", info };
    },
    async read(stream, after, limit) {
      const outcome = await look(stream, after, limit);
      if (outcome.status === "missing") return { status: "missing" };
      const { status, info, records } = outcome;
      if (status === "trimmed") return { status, info };
      return { status, info, entries: readEntries({ records: () => records }, 0, info, after, limit ?? {}) };
    },
    async info(stream) {
      const outcome = await look(stream, -1);
      return outcome.status === "missing" ? undefined : outcome.info;
    },
    watch(stream, onCommit: (commit: Commit) => void) {
      wakes.need(partitionOf(stream));
      return watchers.watch(stream, onCommit);
    },
    async delete(stream) {
      const args = [now(), stream];
      const [isThere, commit] = (await run(stream, { script: "delete", args })) as [number, number];
      watchers.onDeleted(stream, commit);
      return isThere === 1;
    },
    key: (id) => claims.find(id),
    expireKey: (id, expiresAt) => claims.expire(id, expiresAt),
    openWriters: () => leases.openWriters(),
    deadWriters: () => leases.deadWriters(),
    async close() {
      if (isClosed) return;
      await compactor.close();
      isClosed = true;
      await leases.close();
      watchers.close();
      wakes.close();
      bus.close();
      await topology.close();
    },
  };
}

type Looked = { commit: number; records: LogRecord[] } & (
  | { status: "page"; info: StreamInfo }
  | { status: "trimmed"; info: StreamInfo }
  | { status: "missing" }
);

const IDENTITY_AT = 8;
const TOKEN_AT = 21;

/** What the scripts that may make a stream begin with; the identity of the Redis that runs them is put in when it is known. */
function createArguments(
  stream: StreamName,
  create: CreateOptions | undefined,
  at: number,
): (string | number)[] {
  const retention = create && { ...DEFAULT_RETENTION[create.kind], ...create.retention };
  return [
    at,
    stream,
    create?.kind ?? "",
    retention === undefined ? "" : JSON.stringify(retention),
    retention?.maxEvents ?? "",
    retention?.maxBytes ?? "",
    retention?.maxAgeMs ?? "",
    retention?.closedTtlMs ?? "",
    "",
    createEpoch(),
  ];
}

/** Reads why an append was refused. Errors: those of the contract that are thrown. */
function refusal(
  reply: readonly unknown[],
  token: string,
): AppendOutcome | { status: "voided"; token: string } {
  const [status, ...fields] = reply;
  switch (status) {
    case "repeated":
      return { status, first: Number(fields[0]), last: Number(fields[1]), cursor: String(fields[2]) };
    case "replayed":
      return { status, record: toRecord(fields as string[]) };
    case "key-reused":
    case "missing":
    case "ended":
      return { status };
    case "closed":
      return { status, cursor: String(fields[0]) };
    case "fenced":
      return { status, epoch: Number(fields[0]) };
    case "occupied":
      return { status, writer: String(fields[0]) };
    case "sequence-gap":
      return { status, expected: Number(fields[0]) };
    case "voided":
      return { status, token };
    case "no-key":
      throw new StreamError(
        "invalid-event",
        'An event of a state stream needs a member "key" that says what it replaces.',
      );
    case "too-many-keys":
      throw new StreamError(
        "too-many-keys",
        `This stream may hold ${String(fields[0])} keys, and has them. Delete some, or create it with a higher retention.maxEvents.`,
      );
    default:
      throw new Error(`a script answered ${String(status)}`);
  }
}

async function within(done: Promise<void>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const isDone = await Promise.race([done.then(() => true), late]);
  clearTimeout(timer);
  return isDone;
}
