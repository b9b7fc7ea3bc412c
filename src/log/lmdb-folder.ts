import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { tryLock } from "fs-native-extensions";

/** The format of the data folder that this version reads and writes. */
const FORMAT = 1;

/** A data folder that this process owns. */
export interface DataFolder {
  /** Counts the times it was taken: what an older incarnation left open is dead by definition. */
  incarnation: number;
  /** Rises with each unclean end of the machine. */
  generation: number;
  /** Whether its last owner ended without `release`. */
  wasInterrupted: boolean;
  /** Says where the owner can be reached, for `ask`, `tail`, `publish` and whoever finds the folder taken. */
  announce(url: string): void;
  /** Gives it back as cleanly ended. */
  release(): void;
}

/** Who owns a data folder, as `server.json` in it says. */
export interface FolderOwner {
  pid: number;
  url?: string;
}

/** The data folder belongs to another process, or to another version. */
export class DataFolderError extends Error {
  override name = "DataFolderError";
}

interface FolderState {
  format: number;
  incarnation: number;
  generation: number;
  bootId: string;
  isClean: boolean;
}

/** Takes a data folder before anything in it is read. The kernel frees it when the process ends, however it ends.
 *  Errors: DataFolderError, whose text is for people. */
export function takeFolder(directory: string): DataFolder {
  mkdirSync(directory, { recursive: true });
  const lock = openSync(join(directory, "owner.lock"), "a+");
  if (!tryLock(lock, { exclusive: true })) {
    closeSync(lock);
    const owner = readOwner(directory);
    const who = owner === undefined ? "another process" : `process ${owner.pid}`;
    throw new DataFolderError(
      `The data folder ${directory} is in use by ${who}${owner?.url === undefined ? "" : ` at ${owner.url}`}. Stop it, or name another folder with --data.`,
    );
  }
  const bootId = readBootId();
  const former = readJson<FolderState>(join(directory, "format.json"));
  if (former !== undefined && former.format !== FORMAT) {
    closeSync(lock);
    throw new DataFolderError(
      `The data folder ${directory} has format ${former.format}; this version of Millrace reads format ${FORMAT}. Use the version that wrote it, or name another folder with --data.`,
    );
  }
  const wasInterrupted = former !== undefined && !former.isClean;
  const state: FolderState = {
    format: FORMAT,
    incarnation: (former?.incarnation ?? 0) + 1,
    generation: (former?.generation ?? 1) + (wasInterrupted && former.bootId !== bootId ? 1 : 0),
    bootId,
    isClean: false,
  };
  const write = () => writeJson(join(directory, "format.json"), state);
  const announce = (url?: string) => writeJson(join(directory, "server.json"), { pid: process.pid, url });
  write();
  announce();
  return {
    incarnation: state.incarnation,
    generation: state.generation,
    wasInterrupted,
    announce,
    release() {
      state.isClean = true;
      write();
      closeSync(lock);
    },
  };
}

/** Reads who owns a data folder. Undefined: nobody ever did. */
export function readOwner(directory: string): FolderOwner | undefined {
  return readJson<FolderOwner>(join(directory, "server.json"));
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T; // written by us, whole or not at all
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new DataFolderError(`${path} cannot be read: ${String(error)}. Name another folder with --data.`, {
      cause: error,
    });
  }
}

/** Renamed into place, so that a reader sees the old or the new. */
function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value)}\n`);
  renameSync(`${path}.new`, path);
}

/** Tells one run of the machine from the next: what was committed but not flushed may be gone in between. */
function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Not on Linux. To the minute: the clock may be set a little between two calls.
    return `booted-${Math.round((Date.now() / 1_000 - uptime()) / 60)}`;
  }
}
