import { createInterface } from "node:readline";
import { findServer, postJson } from "./connect.ts";
import { CliError, EXIT } from "./exit.ts";
import type { PublishFlags } from "./flags.ts";
import { parseStreamName } from "../protocol/names.ts";

const BATCH = 500;

/** Appends events and prints the cursor of the last one of each request. */
export async function publish(stream: string, json: string, flags: PublishFlags): Promise<void> {
  const url = `${findServer(flags)}/v1/streams/${parseStreamName(stream)}`;
  const send = async (events: unknown[], isLast: boolean) => {
    const query = isLast && flags.close === true ? "?close=true" : "";
    const { cursor } = await postJson<{ cursor: string }>(`${url}${query}`, events, crypto.randomUUID());
    process.stdout.write(`${cursor}\n`);
  };
  if (json !== "-") return send([parse(json, "The event")], true);
  let batch: unknown[] = [];
  let line = 0;
  for await (const text of createInterface({ input: process.stdin })) {
    line += 1;
    if (text.trim() === "") continue;
    if (batch.length === BATCH) {
      await send(batch, false);
      batch = [];
    }
    batch.push(parse(text, `Line ${line}`));
  }
  if (batch.length > 0 || flags.close === true) await send(batch, true);
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(EXIT.usage, `${what} is not JSON: ${error instanceof Error ? error.message : ""}`);
  }
}
