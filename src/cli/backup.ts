import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { BackupEnd, BackupHead, BackupLine } from "../protocol/backup.ts";
import { parseBackupLine } from "../protocol/backup.ts";
import { StreamError } from "../protocol/error.ts";
import { openTarget } from "./backup-target.ts";
import type { Target } from "./backup-target.ts";
import { CliError, EXIT } from "./exit.ts";
import type { ExportFlags, ImportFlags } from "./flags.ts";
import { dim } from "./output.ts";

/** Writes streams into a file, while they are in use. The file is there under its name once it is whole. */
export async function exportStreams(file: string, flags: ExportFlags): Promise<void> {
  await using target = await openTarget(flags);
  const query = new URLSearchParams((flags.stream ?? []).map((prefix) => ["stream", prefix]));
  const response = await target.ask(`/v1/export?${query}`);
  await refuse(response);
  const part = `${file}.part`;
  const progress = createProgress("saved");
  let end: BackupEnd | undefined;
  async function* lines() {
    const hash = createHash("sha256");
    const seal = (text: string) => {
      hash.update(text);
      return text;
    };
    const head: BackupHead = { millrace: "backup", version: 1, at: Date.now() };
    yield seal(`${JSON.stringify(head)}\n`);
    for await (const text of linesOf(response)) {
      if (text.startsWith('{"done":')) end = parseBackupLine(text) as BackupEnd; // begins so
      else {
        progress.note(text);
        yield seal(`${text}\n`);
      }
    }
    if (end === undefined || !isSame(end, progress.counts))
      throw new CliError(
        EXIT.failed,
        `${target.where} stopped in the middle. Nothing was kept; save it again.`,
      );
    yield `${JSON.stringify({ ...end, sha256: hash.digest("hex") })}\n`;
  }
  try {
    await pipeline(lines, createWriteStream(part, { mode: 0o600, flush: true }));
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw (error as NodeJS.ErrnoException).syscall === undefined
      ? error
      : new CliError(EXIT.failed, `${file} cannot be written: ${(error as Error).message}.`);
  } finally {
    progress.end();
  }
  process.stdout.write(`${amount(progress.counts)} from ${target.where} are in ${file}\n`);
}

/** Puts the streams of a file back, one after the other. Where the file is not whole, or a stream is there already, nothing is put back. An
 *  import that was ended in the middle has put back whole streams only: `--missing` goes on with the others. */
export async function importStreams(file: string, flags: ImportFlags): Promise<void> {
  if (!existsSync(file)) throw new CliError(EXIT.usage, `There is no file ${file}.`);
  const prefixes = flags.stream ?? [];
  const isNamed = (name: string) =>
    prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));
  const saved = (await checkWhole(file)).filter(isNamed);
  await using target = await openTarget(flags);
  const taken = new Set(flags.replace === true ? [] : await findTaken(target, saved));
  if (taken.size > 0 && flags.missing !== true) throw areThere([...taken], saved.length);
  const names = saved.filter((name) => !taken.has(name));
  const isAsked = (name: string) => isNamed(name) && !taken.has(name);
  const progress = createProgress(`of ${names.length} put back`);
  const put = (lines: readonly string[]) =>
    putBack(target, lines, flags.replace === true).catch((error: unknown) => {
      if (!(error instanceof CliError)) throw error;
      const { streams } = progress.counts;
      throw new CliError(error.exitCode, `${error.message}\n${streams} of ${names.length} streams are back.`);
    });
  try {
    let lines: string[] = [];
    for await (const text of linesIn(file)) {
      const line = parseBackupLine(text);
      if ("millrace" in line || "done" in line) continue;
      // Of a stream that came back before, too: where it was cut, its keys had not.
      if ("claim" in line && !isNamed(line.claim.stream)) continue;
      lines.push(`${text}\n`);
      const isPiece = "end" in line || ("claim" in line && lines.length >= KEYS_AT_A_TIME);
      if (!isPiece) continue;
      if ("claim" in line || isAsked(line.end)) {
        await put(lines);
        for (const one of lines) progress.note(one);
      }
      lines = [];
    }
    if (lines.length > 0) await put(lines);
    for (const one of lines) progress.note(one);
  } finally {
    progress.end();
  }
  process.stdout.write(`${amount(progress.counts)} are back in ${target.where}\n`);
}

const KEYS_AT_A_TIME = 1_000;

async function findTaken(target: Target, names: readonly string[]): Promise<string[]> {
  const taken: string[] = [];
  for (const name of names) {
    const { ok, status } = await target.ask(`/v1/streams/${name}`, { method: "HEAD" });
    if (ok) taken.push(name);
    else if (status !== 404)
      throw new CliError(
        EXIT.failed,
        `${target.where} answered ${status} when it was asked for ${name}. Nothing was put back.`,
      );
  }
  return taken;
}

function areThere(taken: readonly string[], count: number): CliError {
  const shown = taken.slice(0, 5).join(", ") + (taken.length > 5 ? " …" : "");
  return new CliError(
    EXIT.failed,
    `${taken.length} of ${count} streams are there already: ${shown}. Nothing was put back. --missing puts back the others, and --replace puts the saved ones in the place of these; --stream takes some only.`,
  );
}

async function putBack(target: Target, lines: readonly string[], replaces: boolean): Promise<void> {
  const response = await target.ask(`/v1/import${replaces ? "?replace=true" : ""}`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: new Blob([...lines]),
  });
  await refuse(response);
  await response.body?.cancel();
}

/** The names of the streams in a file. Errors: CliError for one that was cut, changed, or is none. */
async function checkWhole(file: string): Promise<string[]> {
  const hash = createHash("sha256");
  const counts: Counts = { streams: 0, events: 0, keys: 0 };
  const names: string[] = [];
  let isFirst = true;
  let end: BackupEnd | undefined;
  for await (const text of linesIn(file)) {
    const line = parse(text, file, isFirst);
    if (isFirst && !("millrace" in line)) throw notOne(file);
    isFirst = false;
    if (end !== undefined) throw notWhole(file, "lines follow its last one");
    if ("done" in line) end = line;
    else hash.update(`${text}\n`);
    count(counts, text);
    if ("end" in line) names.push(line.end);
  }
  if (isFirst) throw notWhole(file, "it is empty");
  if (end === undefined) throw notWhole(file, "its last line is missing, so it was cut");
  if (!isSame(end, counts))
    throw notWhole(file, `it has ${amount(counts)}, and its last line says ${amount(end)}`);
  if (end.sha256 !== hash.digest("hex")) throw notWhole(file, "it was changed since it was written");
  return names;
}

function parse(text: string, file: string, isFirst: boolean): BackupLine {
  try {
    return parseBackupLine(text);
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    throw isFirst ? notOne(file) : notWhole(file, error.message.replace(/\.$/, ""));
  }
}

function notOne(file: string): CliError {
  return new CliError(
    EXIT.usage,
    `${file} is no backup of version 1: its first line does not say so. Nothing was put back.`,
  );
}

function notWhole(file: string, why: string): CliError {
  return new CliError(EXIT.failed, `${file} is not whole: ${why}. Nothing was put back.`);
}

async function refuse(response: Response): Promise<void> {
  if (response.ok) return;
  const body = (await response.json().catch(() => undefined)) as
    | { error?: { code: string; message: string } }
    | undefined;
  const { message = `The server answered ${response.status}.`, code = response.status } = body?.error ?? {};
  throw new CliError(EXIT.failed, `${message} (${code})`);
}

async function* linesIn(file: string): AsyncGenerator<string, void> {
  // Not `readline`, which takes U+2028 for the end of a line.
  yield* splitLines(createReadStream(file, "utf8") as AsyncIterable<string>, true);
}

async function* linesOf({ body }: Response): AsyncGenerator<string, void> {
  try {
    yield* splitLines(body?.pipeThrough(new TextDecoderStream()) ?? [], false);
  } catch {
    // Cut: what is missing is its last line.
  }
}

async function* splitLines(
  pieces: AsyncIterable<string> | Iterable<string>,
  hasRest: boolean,
): AsyncGenerator<string, void> {
  let rest = "";
  for await (const piece of pieces) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (hasRest && rest !== "") yield rest;
}

interface Counts {
  streams: number;
  events: number;
  keys: number;
}

function count(counts: Counts, text: string): void {
  if (text.startsWith('{"offset":')) counts.events += 1;
  else if (text.startsWith('{"end":')) counts.streams += 1;
  else if (text.startsWith('{"claim":')) counts.keys += 1;
}

function isSame(one: Counts, other: Counts): boolean {
  return one.streams === other.streams && one.events === other.events && one.keys === other.keys;
}

function amount({ streams, events, keys }: Counts): string {
  return `${streams} streams with ${events} events and ${keys} keys`;
}

/** Counts, and says so to who looks. */
function createProgress(what: string) {
  const counts: Counts = { streams: 0, events: 0, keys: 0 };
  const isSeen = process.stderr.isTTY;
  let toldAt = 0;
  return {
    counts,
    note(text: string) {
      count(counts, text);
      if (!isSeen || Date.now() - toldAt < 200) return;
      toldAt = Date.now();
      process.stderr.write(
        `\r\x1b[K${dim(`${counts.events} events, ${counts.streams} streams ${what}`, process.stderr)}`,
      );
    },
    end() {
      if (isSeen) process.stderr.write("\r\x1b[K");
    },
  };
}
