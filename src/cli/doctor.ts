import { examine } from "./doctor/examine.ts";
import { findAll } from "./doctor/findings.ts";
import { NoAnswer } from "./doctor/listening.ts";
import { reportFindings } from "./doctor/report.ts";
import { CliError, EXIT } from "./exit.ts";
import type { DoctorFlags } from "./flags.ts";

/** How long the first bytes and a published event may take. */
const FIRST_BYTE_MS = 2_000;
const DELIVERY_MS = 1_000;

/** Looks at an event stream from outside and says what is wrong with it. Exit code 1 where something is. */
export async function doctor(url: string, flags: DoctorFlags): Promise<void> {
  const waitMs = readSeconds("--wait", flags.wait);
  const silenceMs = readSeconds("--silence", flags.silence);
  const timeoutMs = readSeconds("--timeout", flags.timeout);
  const publish = flags.publish === true ? readUrl(url) : flags.publish && readUrl(flags.publish);
  const target = readUrl(url);
  if (flags.body !== undefined && !flags.body.includes("{mark}"))
    throw new CliError(
      EXIT.usage,
      "--body needs {mark} somewhere in a text: the doctor knows its events by it.",
    );
  const seen = await examine({
    url: target,
    headers: Object.fromEntries((flags.header ?? []).map(readHeader)),
    timeoutMs,
    waitMs,
    ...(publish && { publish: { url: publish, body: flags.body ?? '{"type":"doctor","mark":"{mark}"}' } }),
    ...(flags.origin !== undefined && { origin: flags.origin }),
  }).catch((error: unknown) => {
    if (error instanceof NoAnswer)
      throw new CliError(EXIT.unavailable, `No answer from ${target}: ${error.message}.`);
    throw error;
  });
  const findings = findAll(seen, { silenceMs, firstByteMs: FIRST_BYTE_MS, deliveryMs: DELIVERY_MS });
  const wrong = findings.filter(({ level }) => level === "wrong").length;
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ url: target, wrong, findings })}\n`
      : reportFindings(target, findings),
  );
  if (wrong > 0) process.exitCode = EXIT.failed;
}

function readUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new CliError(
    EXIT.usage,
    `${JSON.stringify(text)} is not an address such as http://127.0.0.1:4000/v1/streams/scores.`,
  );
}

function readSeconds(name: string, text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3_600) return seconds * 1_000;
  throw new CliError(EXIT.usage, `${name} takes seconds, up to 3600, not ${JSON.stringify(text)}.`);
}

function readHeader(text: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e]*)$/.exec(text);
  if (match?.[1] !== undefined && match[2] !== undefined) return [match[1].toLowerCase(), match[2]];
  // Without the value: it may be secret.
  throw new CliError(EXIT.usage, '--header takes "Name: value", in ASCII.');
}
