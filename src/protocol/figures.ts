/** What a server does at this moment: an event of the stream `sys/server`, one each second.
 *  Source: PROTOCOL.md "Figures of the server". */
export interface Figures {
  type: "figures";
  /** Unix milliseconds. */
  at: number;
  /** Event connections, and how many of them have not got everything that there is. */
  readers: number;
  behind: number;
  /** Per second: events given to the log, and bytes of events sent to readers. */
  events: number;
  bytes: number;
  /** Runs that are open. */
  runs: number;
  /** How long runs waited for their first token, the mean of those that got it in this second. Absent: none did. */
  firstTokenMs?: number;
  /** How late the event loop was, 99th percentile of this second, in milliseconds. */
  loopMs: number;
  /** Bytes of the JavaScript heap in use, and of the process. */
  heap: number;
  memory: number;
}
