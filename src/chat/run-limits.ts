import type { Log } from "../log/log.ts";
import { StreamError } from "../protocol/error.ts";
import type { Entry, Usage } from "../protocol/event.ts";
import { parseStreamName } from "../protocol/names.ts";
import { createId } from "./id.ts";
import type { PromptMessage } from "./provider.ts";

/** What a person may cost. 0: no limit. */
export interface RunLimits {
  /** Runs that a person may start in a minute. Default 60 where people sign in, else 0. */
  runsPerMinute?: number;
  /** Tokens that a person may use in 24 hours, those that the model reads and those that it writes. Default 2,000,000 where people
   *  sign in, else 0. A run that has begun goes on beyond it. */
  tokensPerDay?: number;
  /** Runs that a person may have open at a time, on each node. Default 20 where people sign in, else 0. */
  openRuns?: number;
  /** Tokens that all people together may use in 24 hours. Default 0. */
  allTokensPerDay?: number;
}

/** Counts what people cost. */
export interface RunLimiter {
  /** Counts a run in. Errors: `too-many-runs`, `tokens-spent` 429, which say when it may be asked again. */
  begin(person: string, messages: readonly PromptMessage[]): RunLease;
  close(): void;
}

/** One run that is counted. */
export interface RunLease {
  /** It did not come to be: it counts no more. */
  drop(): void;
  /** It is over, and has cost this. Where the provider counted nothing, a delta is a token, and so are four letters of a prompt. */
  end(cost: { usage?: Usage | undefined; deltas: number }): void;
}

/** What nodes tell each other in the log, and a node itself after a start. */
type Note =
  | { type: "run-start" | "run-drop"; node: string; person: string; at: number }
  | { type: "tokens-used"; node: string; person: string; at: number; tokens: number };

interface Spending {
  /** When runs were started, in the last minute. */
  starts: number[];
  /** Tokens by the hour. */
  tokens: Map<number, number>;
  open: number;
}

const STREAM = parseStreamName("sys/usage");
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const LETTERS_PER_TOKEN = 4;
const MAX_NOTES = 200_000;
/** Looks for people who cost nothing any more, each so many notes. */
const SWEEP_EVERY = 1_000;

/** Makes what counts, with what the last 24 hours cost on all nodes.
 *  Order:  what this node starts is counted at once; what others start when their note comes, so that a few more may pass.
 *  Errors: those of the log. */
export async function createRunLimiter(
  log: Log,
  { runsPerMinute = 0, tokensPerDay = 0, openRuns = 0, allTokensPerDay = 0 }: RunLimits,
  now: () => number = Date.now,
): Promise<RunLimiter> {
  const node = createId();
  const people = new Map<string, Spending>();
  const all = new Map<number, number>();
  let notes = 0;

  const retention = { maxAgeMs: DAY_HOURS * HOUR_MS, maxEvents: MAX_NOTES };
  await log.create(STREAM, { kind: "log", retention });
  /** The last note that was taken. */
  let taken = 0;
  let isReading = false;
  let isReadAgain = false;
  const unwatch = log.watch(STREAM, (commit) => {
    const entries = commit.type === "appended" ? commit.entries : [];
    if (!isReading && entries[0]?.offset === taken + 1) takeAll(entries);
    else readOn().catch(ignoreUnavailable); // the next note has them read again
  });
  await readOn();

  /** Takes what was not taken, each once, though some of it is told by the watch meanwhile. */
  async function readOn(): Promise<void> {
    isReadAgain = true;
    if (isReading) return;
    isReading = true;
    try {
      while (isReadAgain) {
        isReadAgain = false;
        const page = await log.read(STREAM, taken, { maxLength: 1_048_576 });
        if (page.status === "missing") taken = 0;
        else if (page.status === "trimmed") {
          taken = page.info.floor - 1;
          isReadAgain = true;
        } else {
          // The log may have lost some that were taken.
          taken = Math.min(taken, page.info.head);
          takeAll(page.entries);
          if (page.entries.length > 0) isReadAgain = true;
        }
      }
    } finally {
      isReading = false;
    }
  }

  function takeAll(entries: readonly Entry[]): void {
    for (const { offset, data } of entries) {
      take(JSON.parse(data) as Note); // only limiters write it
      taken = offset;
    }
  }

  function spendingOf(person: string): Spending {
    const known = people.get(person);
    if (known !== undefined) return known;
    const spending = { starts: [], tokens: new Map<number, number>(), open: 0 };
    people.set(person, spending);
    return spending;
  }

  /** What another node says, or this one before its start. */
  function take(note: Note): void {
    if (note.node === node || note.at < now() - DAY_HOURS * HOUR_MS) return;
    if (note.type === "tokens-used") spend(note.person, note.at, note.tokens);
    else if (note.type === "run-drop") forgetStart(spendingOf(note.person), note.at);
    else if (note.at > now() - MINUTE_MS) spendingOf(note.person).starts.push(note.at);
    sweep();
  }

  function spend(person: string, at: number, tokens: number): void {
    const hour = Math.floor(at / HOUR_MS);
    for (const hours of [all, spendingOf(person).tokens]) hours.set(hour, (hours.get(hour) ?? 0) + tokens);
  }

  function say(note: Note): void {
    // While the log is away it is counted here alone: a limit is no reason to fail a run.
    log
      .append(STREAM, [{ data: JSON.stringify(note) }], { create: { kind: "log", retention } })
      .catch(ignoreUnavailable);
  }

  function sweep(): void {
    notes += 1;
    if (notes % SWEEP_EVERY !== 0) return;
    for (const [person, spending] of people) {
      forgetPast(spending);
      if (spending.open === 0 && spending.starts.length === 0 && spending.tokens.size === 0)
        people.delete(person);
    }
  }

  function forgetPast(spending: Spending): void {
    const at = now();
    spending.starts = spending.starts.filter((start) => start > at - MINUTE_MS);
    for (const hours of [spending.tokens, all]) {
      for (const hour of hours.keys()) if ((hour + DAY_HOURS) * HOUR_MS <= at) hours.delete(hour);
    }
  }

  function check(spending: Spending): void {
    const at = now();
    if (openRuns > 0 && spending.open >= openRuns)
      throw limited(
        "too-many-runs",
        `You have ${openRuns} runs open, which is the limit. Ask again when one has ended.`,
        2_000,
      );
    if (runsPerMinute > 0 && spending.starts.length >= runsPerMinute) {
      const oldest = Math.min(...spending.starts.slice(-runsPerMinute));
      const wait = Math.max(1_000, oldest + MINUTE_MS - at);
      throw limited(
        "too-many-runs",
        `You started ${runsPerMinute} runs within a minute, which is the limit. Ask again in ${seconds(wait)}.`,
        wait,
      );
    }
    checkTokens(spending.tokens, tokensPerDay, "You have used");
    checkTokens(all, allTokensPerDay, "All people here together have used");
  }

  function checkTokens(hours: ReadonlyMap<number, number>, limit: number, who: string): void {
    if (limit === 0) return;
    let sum = [...hours.values()].reduce((total, tokens) => total + tokens, 0);
    if (sum < limit) return;
    let wait = HOUR_MS;
    for (const [hour, tokens] of [...hours].sort(([a], [b]) => a - b)) {
      sum -= tokens;
      wait = (hour + DAY_HOURS) * HOUR_MS - now();
      if (sum < limit) break;
    }
    throw limited(
      "tokens-spent",
      `${who} ${limit} tokens within 24 hours, which is the limit. Ask again in ${seconds(wait)}.`,
      wait,
    );
  }

  return {
    begin(person, messages) {
      const spending = spendingOf(person);
      forgetPast(spending);
      check(spending);
      const at = now();
      spending.starts.push(at);
      spending.open += 1;
      if (runsPerMinute > 0) say({ type: "run-start", node, person, at });
      let isOver = false;
      const leave = (): boolean => {
        if (isOver) return false;
        isOver = true;
        spending.open -= 1;
        sweep();
        return true;
      };
      return {
        drop() {
          if (!leave()) return;
          forgetStart(spending, at);
          if (runsPerMinute > 0) say({ type: "run-drop", node, person, at });
        },
        end({ usage, deltas }) {
          if (!leave()) return;
          const letters = messages.reduce((sum, { text }) => sum + text.length, 0);
          const read = usage?.inputTokens ?? Math.ceil(letters / LETTERS_PER_TOKEN);
          const tokens = read + (usage?.outputTokens ?? deltas);
          spend(person, now(), tokens);
          say({ type: "tokens-used", node, person, at: now(), tokens });
        },
      };
    },
    close: unwatch,
  };
}

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof StreamError)) throw error;
}

/** One of them: others may have been started in the same millisecond. */
function forgetStart({ starts }: Spending, at: number): void {
  const index = starts.indexOf(at);
  if (index >= 0) starts.splice(index, 1);
}

function limited(code: "too-many-runs" | "tokens-spent", message: string, retryAfterMs: number): StreamError {
  return new StreamError(code, message, { retryAfterMs });
}

function seconds(ms: number): string {
  return ms < HOUR_MS ? `${Math.ceil(ms / 1_000)} s` : `${Math.ceil(ms / HOUR_MS)} h`;
}
