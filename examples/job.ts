// A job that says how far it is, and a log of what it did. Whoever opens it late reads it from its first line.
import { createClient } from "millrace/client";
import type { Client } from "millrace/client";

/** One step of a job. */
export interface Step {
  line: string;
  /** How much is done, from 0 to 1. */
  done: number;
}

/** Runs a job, and writes each step to a stream of its own, which is closed with the last. */
export async function runJob(client: Client, job: string, steps: AsyncIterable<Step>): Promise<void> {
  const path = `/v1/streams/jobs/${job}`;
  let last: Step | undefined;
  for await (const step of steps) {
    // The one before is written when another follows: the last one goes with the end.
    if (last !== undefined) await client.api.send("POST", path, last);
    last = step;
  }
  await client.api.send("POST", `${path}?close=true`, last ?? []);
}

/** Shows a job until it ends or the returned function is called: its lines, and how far it is. */
export function showJob(root: HTMLElement, job: string, client: Client = createClient()): () => void {
  const bar = root.appendChild(document.createElement("progress"));
  const log = root.appendChild(document.createElement("pre"));
  return client.source.follow(`jobs/${job}`, {
    kind: "log",
    onDelivery(delivery) {
      switch (delivery.type) {
        case "event": {
          const { line, done } = delivery.event as unknown as Step; // what runJob wrote
          bar.value = done;
          log.append(`${line}\n`);
          break;
        }
        case "reset": // The stream was made anew: what is shown is of the former one.
          log.textContent = "";
          break;
        case "end":
          root.dataset["state"] = "ended";
          break;
        case "caught-up":
          break;
      }
    },
  });
}
