import { parseStreamName } from "../protocol/names.ts";
import { findServer, keyHeaders } from "./connect.ts";
import { readEvents } from "./event-reader.ts";
import { CliError, EXIT } from "./exit.ts";
import type { TailFlags } from "./flags.ts";
import { dim } from "./output.ts";

/** Writes a stream's events, one a line, until it ends. */
export async function tail(stream: string, flags: TailFlags): Promise<void> {
  const server = findServer(flags);
  const url = `${server}/v1/streams/${parseStreamName(stream)}?after=${encodeURIComponent(flags.after)}`;
  let isCut = false;
  const ended = await readEvents({
    url,
    headers: keyHeaders(),
    onCut() {
      if (!isCut) say("Reconnecting.");
      isCut = true;
    },
    onEvent({ id, event: name, data }) {
      isCut = false;
      if (name === "stream-reset")
        say(`The stream comes anew: ${(JSON.parse(data) as { reason: string }).reason}.`);
      if (name === "stream-end") return true;
      if (name === undefined) {
        process.stdout.write(
          flags.json === true ? `{"cursor":${JSON.stringify(id)},"event":${data}}\n` : `${data}\n`,
        );
      }
      return false;
    },
  });
  if (ended.status === "refused")
    throw new CliError(
      EXIT.failed,
      ended.code === 401
        ? `The server wants to know who asks: put a key into MILLRACE_API_KEY. See: millrace keys --help`
        : `The server refused to show ${stream} (${ended.code}).`,
    );
  if (ended.status === "unreachable") throw new CliError(EXIT.unavailable, `No server answers at ${server}.`);
}

function say(text: string): void {
  process.stderr.write(dim(`${text}\n`, process.stderr));
}
