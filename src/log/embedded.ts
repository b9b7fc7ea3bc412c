import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import type {
  AppendOptions,
  AppendOutcome,
  Commit,
  CreateOptions,
  CreateOutcome,
  KeyRecord,
  Log,
  NewEvent,
  OpenWriter,
  ReadLimit,
  ReadOutcome,
  SavedStream,
  StreamInfo,
} from "./log.ts";
import { createClaims, expiryOf, keyWrites } from "./claims.ts";
import {
  keyRecords,
  nameWhileRestored,
  readSinglesPage,
  removalOf,
  restoreWrites,
  streamNames,
  withEnds,
} from "./embedded-backup.ts";
import { createCompactor } from "./embedded-compact.ts";
import { createOrderedCommit } from "./ordered-commit.ts";
import { ignoreUnavailable } from "./unavailable.ts";
import { orphanWrites, readEntries } from "./record-entries.ts";
import type { Store, StoredStream, Write } from "./store.ts";
import { DEFAULT_RETENTION, createEpoch } from "./stream-rules.ts";
import { StreamState } from "./stream-state.ts";

export interface EmbeddedLogOptions {
  /** Unix milliseconds. Default `Date.now`. */
  now?: () => number;
}

/** Streams that are kept in memory though nothing is under way on them. */
const MAX_IDLE_STATES = 10_000;
const SWEEP_EVERY_MS = 30_000;
const SWEEP_LIMIT = 1_000;

/** The one logic of a log inside this process, over a store that keeps what it says.
 *
 *  Law: a decision stands at once for the next one, so appends are pipelined; what is answered, read and watched is
 *  committed. When a commit fails, what was decided on top of it is refused, and the stream is read anew from the store. */
export function createEmbeddedLog(store: Store, { now = Date.now }: EmbeddedLogOptions = {}): Log {
  const states = new Map<StreamName, StreamState>();
  const watchers = new Map<StreamName, Set<(commit: Commit) => void>>();
  const claims = createClaims(store, now);
  /** Streams whose last appends may have left a hole. */
  const suspects = new Set<StreamName>();
  const repairs = new Map<StreamName, Promise<void>>();
  /** Streams that are going: what is said of them meanwhile waits. */
  const removals = new Map<StreamName, Promise<void>>();
  /** After a process that was killed, every stream is looked at once. */
  const verified = store.wasInterrupted ? new Set<StreamName>() : undefined;
  let isClosed = false;
  const commitInTurn = createOrderedCommit(store);
  const compactor = createCompactor(
    store,
    commitInTurn,
    (state) => !isClosed && state.broken === undefined && states.get(state.name) === state,
  );
  const sweeper = setInterval(() => void sweep().catch(ignoreUnavailable), SWEEP_EVERY_MS);
  if (typeof sweeper === "object") sweeper.unref();

  /** The state of a stream, once nothing on it is in doubt. */
  async function settled(name: StreamName): Promise<StreamState | undefined> {
    while (isInDoubt(name)) await clear(name);
    return load(name);
  }

  function isInDoubt(name: StreamName): boolean {
    if (isClosed) throw new StreamError("log-unavailable", "The log is closed. Nothing was written.");
    if (removals.has(name)) return true;
    const state = states.get(name);
    if (state !== undefined) return state.broken !== undefined;
    return suspects.has(name) || verified?.has(name) === false;
  }

  function clear(name: StreamName): Promise<void> {
    const known = removals.get(name) ?? states.get(name)?.broken;
    if (known !== undefined) return known;
    const under = repairs.get(name) ?? repair(name).finally(() => repairs.delete(name));
    repairs.set(name, under);
    return under;
  }

  /** Removes what a commit that failed left behind it: records that do not follow on each other. */
  async function repair(name: StreamName): Promise<void> {
    const stored = store.stream(name);
    const writes = stored === undefined || stored.kind === "state" ? [] : orphanWrites(store, stored.number);
    if (writes.length > 0) await commitInTurn(writes);
    suspects.delete(name);
    verified?.add(name);
  }

  function load(name: StreamName): StreamState | undefined {
    const state = loadAny(name);
    return state === undefined || isExpired(state) ? undefined : state;
  }

  function loadAny(name: StreamName): StreamState | undefined {
    const known = states.get(name);
    if (known !== undefined) return known;
    const stored = store.stream(name);
    if (stored === undefined) return undefined;
    const state = new StreamState(store, name, stored, true);
    if (stored.generation !== store.generation) openEpoch(state);
    remember(state);
    return state;
  }

  function isExpired({ stored: { deleteAt } }: StreamState): boolean {
    return deleteAt !== undefined && deleteAt <= now();
  }

  /** After the machine ended uncleanly, commits may be gone: what was seen beyond them must not be taken for what comes now. */
  function openEpoch(state: StreamState): void {
    state.stored.generation = store.generation;
    state.stored.epochs.push({ epoch: createEpoch(), from: state.head + 1 });
    state.info = state.snapshot();
    // Should this be lost, its readers get `unknown-epoch`: said, not silent.
    commitInTurn([state.putStream()]).catch(ignoreUnavailable);
  }

  function remember(state: StreamState): void {
    states.set(state.name, state);
    let looked = 0;
    for (const [name, other] of states) {
      if (states.size <= MAX_IDLE_STATES || ++looked > 32) return;
      states.delete(name);
      const isInUse =
        other === state || other.underWay > 0 || other.broken !== undefined || watchers.has(name);
      if (isInUse) states.set(name, other);
    }
  }

  function makeState(name: StreamName, { kind, retention }: CreateOptions): StreamState {
    const former = store.stream(name);
    const stored: StoredStream = {
      number: store.nextNumber(),
      kind,
      epochs: [{ epoch: createEpoch(), from: 1 }],
      generation: store.generation,
      floor: 1,
      head: 0,
      isClosed: false,
      retention: { ...DEFAULT_RETENTION[kind], ...retention },
    };
    if (former !== undefined) {
      void remove(name, former.number).catch(ignoreUnavailable);
      notify(name, { type: "deleted" });
    }
    const state = new StreamState(store, name, stored, false);
    remember(state);
    return state;
  }

  /** Commits what was decided on a state; answers in the order of the decisions. */
  async function commit(state: StreamState, writes: readonly Write[]): Promise<void> {
    state.underWay += 1;
    try {
      await commitInTurn(writes);
      state.isStored = true;
      if (state.broken !== undefined && state.stored.kind !== "state") {
        throw new StreamError(
          "log-unavailable",
          "An append before this one failed, so this one was taken back. Send it again.",
        );
      }
    } catch (error) {
      breakOff(state);
      throw error;
    } finally {
      state.underWay -= 1;
      if (state.underWay === 0 && state.broken !== undefined) {
        if (states.get(state.name) === state) states.delete(state.name);
        state.onSettled?.();
      }
    }
  }

  function breakOff(state: StreamState): void {
    if (state.broken !== undefined) return;
    suspects.add(state.name);
    state.broken = new Promise((resolve) => {
      state.onSettled = resolve;
    });
  }

  /** Waits until what was decided before is committed, for an answer that rests on it. */
  async function confirm(state: StreamState): Promise<void> {
    if (state.underWay > 0) await commit(state, []);
  }

  function notify(name: StreamName, change: Commit): void {
    for (const onCommit of watchers.get(name) ?? []) onCommit(change);
  }

  async function create(name: StreamName, options: CreateOptions): Promise<CreateOutcome> {
    const state = isInDoubt(name) ? await settled(name) : load(name);
    if (state === undefined) {
      const made = makeState(name, options);
      await commit(made, [made.putStream()]);
      notify(name, { type: "appended", entries: [], info: made.info });
      return { status: "created", info: made.info };
    }
    await confirm(state);
    return { status: state.stored.kind === options.kind ? "exists" : "kind-conflict", info: state.info };
  }

  function append(
    name: StreamName,
    events: readonly NewEvent[],
    options: AppendOptions = {},
  ): Promise<AppendOutcome> {
    const { key } = options;
    return key === undefined
      ? appendOnce(name, events, options)
      : claims.claim(key, () => appendOnce(name, events, options));
  }

  async function appendOnce(
    name: StreamName,
    events: readonly NewEvent[],
    options: AppendOptions,
  ): Promise<AppendOutcome> {
    // Without a wait where there is no doubt, so that appends keep the order of their calls.
    let state = isInDoubt(name) ? await settled(name) : load(name);
    if (state === undefined) {
      if (options.create === undefined) return { status: "missing" };
      state = makeState(name, options.create);
    }
    const refusal = state.refuse(options);
    if (refusal !== undefined) {
      await confirm(state);
      return refusal;
    }
    const isNew = state.head === 0 && state.underWay === 0 && states.get(name) === state;
    const at = now();
    const { first, last, writes } = decide(state, events, options, at);
    const info = state.snapshot();
    const cursor = state.cursor(last);
    if (isNew) writes.unshift(state.putStream());
    if (options.key !== undefined) writes.push(...keyWrites(options.key, name, cursor));
    await commit(state, writes);
    state.info = info;
    if (watchers.has(name)) {
      notify(name, {
        type: "appended",
        entries: events.map((event, index) => ({ offset: first + index, span: 1, at, data: event.data })),
        info,
      });
    }
    if (state.stored.kind === "chat") compactor.onAppended(state, options);
    return { status: "appended", first, last, cursor };
  }

  function decide(state: StreamState, events: readonly NewEvent[], options: AppendOptions, at: number) {
    try {
      return state.append(events, options, at);
    } catch (error) {
      // A stream that was to be made with its first event is not made.
      if (state.underWay === 0 && !state.isStored) states.delete(state.name);
      throw error;
    }
  }

  async function read(name: StreamName, after: number, limit: ReadLimit = {}): Promise<ReadOutcome> {
    const state = await settled(name);
    if (state?.isStored !== true) return { status: "missing" };
    // The floor as it is decided: what is to be trimmed may be gone from the store before its commit is answered.
    const info = { ...state.info, floor: state.stored.floor };
    if (after < info.floor - 1 && !(info.kind === "state" && after === 0)) return { status: "trimmed", info };
    const entries = readEntries(store, state.stored.number, info, after, limit);
    return {
      status: "page",
      entries,
      info: { ...info, head: Math.max(info.head, entries.at(-1)?.offset ?? 0) },
    };
  }

  async function remove(name: StreamName, number: number): Promise<void> {
    await commitInTurn(removalOf(store, name, number));
  }

  /** Removes what has expired. What was put off since has another entry of its own. */
  async function sweep(): Promise<void> {
    for (const expiry of store.expired(now(), SWEEP_LIMIT)) {
      const writes: Write[] = [{ op: "remove-expiry", expiry }];
      if (expiry.of === "key" && store.key(expiry.id) !== undefined && claims.find(expiry.id) === undefined) {
        writes.push({ op: "remove-key", id: expiry.id });
      }
      if (expiry.of === "stream") {
        const name = expiry.id as StreamName; // written by us as a stream's name
        // After a kill nobody else may ever ask for it.
        if (isInDoubt(name)) await clear(name);
        // Looked at again with the next sweep.
        if (isInDoubt(name)) continue;
        const state = loadAny(name);
        if (state !== undefined && isExpired(state)) await deleteState(state);
      }
      await commitInTurn(writes);
    }
    for (const state of states.values()) {
      const writes = state.broken === undefined ? state.expire(now()) : [];
      if (writes.length > 0) await commit(state, writes);
      if (writes.length > 0) state.info = { ...state.info, floor: state.stored.floor };
    }
  }

  /** Removes a stream; whoever comes meanwhile waits, and finds it gone. */
  function deleteState(state: StreamState): Promise<void> {
    const removal = (async () => {
      await confirm(state);
      await remove(state.name, state.stored.number);
      states.delete(state.name);
      notify(state.name, { type: "deleted" });
    })();
    const settledRemoval = removal.catch(ignoreUnavailable).finally(() => removals.delete(state.name));
    removals.set(state.name, settledRemoval);
    return removal;
  }

  async function readSingles(name: StreamName, after: number): Promise<ReadOutcome> {
    const state = await settled(name);
    if (state?.isStored !== true) return { status: "missing" };
    const info = { ...state.info, floor: state.stored.floor };
    if (after < info.floor - 1 && info.kind !== "state") return { status: "trimmed", info };
    return readSinglesPage(store, state.stored.number, info, after);
  }

  /** Whoever comes meanwhile waits, as with one that is going. */
  async function restore(
    name: StreamName,
    saved: SavedStream,
    { replaces = false }: { replaces?: boolean } = {},
  ): Promise<boolean> {
    while (isInDoubt(name)) await clear(name);
    if (load(name) !== undefined && !replaces) return false;
    const entries = withEnds(saved, now());
    const stored: StoredStream = {
      number: store.nextNumber(),
      kind: saved.kind,
      epochs: [...saved.epochs, { epoch: createEpoch(), from: saved.head + 1 }],
      generation: store.generation,
      floor: saved.floor,
      head: saved.head + saved.ends.events.length,
      isClosed: saved.isClosed || saved.ends.close,
      retention: saved.retention,
    };
    const names = [name, nameWhileRestored(stored.number)];
    const restoring = (async () => {
      for (const writes of restoreWrites(store, name, stored, entries, now())) await commitInTurn(writes);
    })();
    const whenDone = restoring.catch(ignoreUnavailable).finally(() => {
      states.delete(name); // of one that was there, or had expired
      for (const each of names) removals.delete(each);
    });
    for (const each of names) removals.set(each, whenDone);
    await restoring;
    notify(name, { type: "replaced" });
    return true;
  }

  async function restoreKey(id: string, record: KeyRecord): Promise<boolean> {
    await claims.settled(id);
    if ((record.expiresAt ?? Infinity) <= now() || claims.find(id) !== undefined) return false;
    const expiry = record.expiresAt === undefined ? [] : [expiryOf(id, record.expiresAt)];
    await commitInTurn([{ op: "put-key", id, record }, ...expiry]);
    return true;
  }

  return {
    create,
    append,
    read,
    backup: {
      streams: () => streamNames(store),
      readSingles,
      restore,
      keys: () => keyRecords(store),
      restoreKey,
    },
    async info(name): Promise<StreamInfo | undefined> {
      const state = await settled(name);
      return state?.isStored === true ? state.info : undefined;
    },
    watch(name, onCommit) {
      const set = watchers.get(name) ?? new Set();
      watchers.set(name, set.add(onCommit));
      return () => {
        set.delete(onCommit);
        if (set.size === 0 && watchers.get(name) === set) watchers.delete(name);
      };
    },
    async delete(name) {
      const state = isInDoubt(name) ? await settled(name) : load(name);
      if (state === undefined) return false;
      await deleteState(state);
      return true;
    },
    async key(id) {
      await claims.settled(id);
      return claims.find(id);
    },
    async expireKey(id, expiresAt) {
      await claims.settled(id);
      const record = claims.find(id);
      if (record === undefined) return;
      await commitInTurn([{ op: "put-key", id, record: { ...record, expiresAt } }, expiryOf(id, expiresAt)]);
    },
    async openWriters(): Promise<OpenWriter[]> {
      return store.openWriters();
    },
    async close() {
      isClosed = true;
      clearInterval(sweeper);
      await Promise.all([...states.values()].map((state) => confirm(state).catch(ignoreUnavailable)));
      await store.close();
    },
  };
}
