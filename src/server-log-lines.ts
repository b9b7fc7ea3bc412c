import pino from "pino";

/** Where a server says what happens: pino's own methods, or what has the same. */
export interface Logger {
  debug(members: object, message: string): void;
  info(members: object, message: string): void;
  warn(members: object, message: string): void;
  error(members: object, message: string): void;
  isLevelEnabled(level: string): boolean;
}

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Default `warn`. */
  level?: LogLevel;
  /** Lines for people instead of JSON. Default false. */
  isPretty?: boolean;
  /** Default: to standard error. */
  write?: (line: string) => void;
}

const SECRETS = [
  "authorization",
  "cookie",
  "set-cookie",
  "apiKey",
  "key",
  "token",
  "ticket",
  "prompt",
  "messages",
  "text",
];

/** Makes a logger: JSON lines with time, level and message, in which secrets and what people wrote are replaced wherever they stand in the
 *  first two levels. */
export function createLogger({ level = "warn", isPretty = false, write }: LoggerOptions = {}): Logger {
  const out = write ?? ((line: string) => void process.stderr.write(line));
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRETS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]),
        censor: "[redacted]",
      },
    },
    { write: (line: string) => out(isPretty ? prettify(line) : line) },
  );
}

function prettify(line: string): string {
  const { time, level, msg, ...members } = JSON.parse(line) as Record<string, unknown>; // pino's own line
  const rest = Object.entries(members).map(
    ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${String(msg)}  ${rest.join(" ")}\n`;
}
