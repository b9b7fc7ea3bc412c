import { text } from "node:stream/consumers";
import type { MessageEnd, RunEvent } from "../protocol/event.ts";
import { findServer, keyHeaders, postJson } from "./connect.ts";
import { readEvents } from "./event-reader.ts";
import { CliError, EXIT } from "./exit.ts";
import type { AskFlags } from "./flags.ts";
import { dim } from "./output.ts";

/** Asks, and writes the answer as it comes. Reading goes on by itself after a cut; Ctrl+C stops the run. */
export async function ask(prompt: string | undefined, flags: AskFlags): Promise<void> {
  const question = prompt === undefined || prompt === "-" ? (await text(process.stdin)).trim() : prompt;
  if (question === "") throw new CliError(EXIT.usage, 'Say what to ask: millrace ask "What is SSE?"');
  const server = findServer(flags);
  const body = { prompt: question, ...(flags.model !== undefined && { model: flags.model }) };
  const key = flags.key ?? crypto.randomUUID();
  const { run, stream } = await postJson<{ run: string; stream: string }>(`${server}/v1/runs`, body, key);

  process.once("SIGINT", () => {
    // The second one ends the command without waiting.
    process.once("SIGINT", () => process.exit(EXIT.stopped));
    postJson(`${server}/v1/runs/${run}/stop`, {}).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(EXIT.stopped);
    });
  });

  let end: MessageEnd | undefined;
  let offset = 0;
  let isOnNewLine = true;
  const write = (piece: string) => {
    if (piece !== "") isOnNewLine = piece.endsWith("\n");
    return process.stdout.write(piece);
  };
  const ended = await readEvents({
    url: `${server}/v1/streams/${stream}`,
    headers: keyHeaders(),
    onEvent({ id, event: name, data }) {
      if (name === "stream-reset")
        throw new CliError(EXIT.failed, "The server no longer has what was read so far. Ask again.");
      if (name !== undefined) return name === "stream-end";
      const event = JSON.parse(data) as RunEvent; // a run's events
      const next = Number(id?.split(".")[1]);
      // Whatever is sent twice is written once.
      if (next <= offset) return false;
      offset = next;
      if (event.type === "text-delta") write(event.text);
      if (event.type === "reasoning-delta" && process.stdout.isTTY) write(dim(event.text));
      if (event.type === "message-end") end = event;
      return end !== undefined;
    },
  });
  if (!isOnNewLine) process.stdout.write("\n");
  if (end === undefined) {
    throw new CliError(
      EXIT.unavailable,
      `The server at ${server} is gone (${ended.status}). The answer keeps being written there: run ${run}.`,
    );
  }
  process.stderr.write(dim(`${summary(end)}\n`, process.stderr));
  process.exitCode = exitCode(end);
}

function summary({ reason, usage, timing, error }: MessageEnd): string {
  const parts = [
    error?.message ?? (reason === "cancelled" ? "Stopped" : reason),
    usage?.outputTokens !== undefined && `${usage.outputTokens} tokens`,
    timing?.firstTokenMs !== undefined && `first after ${timing.firstTokenMs} ms`,
    timing?.tokensPerSecond !== undefined && `${timing.tokensPerSecond} tokens/s`,
  ];
  return parts.filter((part) => part !== false).join(" · ");
}

function exitCode({ reason }: MessageEnd): number {
  switch (reason) {
    case "stop":
    case "length":
    case "tool-calls":
      return EXIT.done;
    case "cancelled":
      return EXIT.stopped;
    case "interrupted":
      return EXIT.interrupted;
    case "error":
      return EXIT.failed;
  }
}
