import { describe } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { testChat } from "./conformance/chat.ts";
import { testCommits } from "./conformance/commits.ts";
import { testKeys } from "./conformance/keys.ts";
import { testModel } from "./conformance/model.ts";
import { testRetention } from "./conformance/retention.ts";
import { testState } from "./conformance/state.ts";
import { testStreams } from "./conformance/streams.ts";
import { testWriters } from "./conformance/writers.ts";

/** A log under test, and how to open it again on the same data. */
export interface Harness {
  log: Log;
  /** Closes and opens again: a new incarnation. Absent where nothing outlives the process. */
  reopen?: () => Promise<Log>;
  dispose(): Promise<void>;
}

export type OpenLog = (options?: { now?: () => number }) => Promise<Harness>;

/** The one suite that every log passes; src/log/log.ts says the contract. */
export function describeLog(name: string, open: OpenLog): void {
  describe(name, () => {
    testStreams(open);
    testCommits(open);
    testState(open);
    testChat(open);
    testRetention(open);
    testWriters(open);
    testKeys(open);
    testModel(open);
  });
}
