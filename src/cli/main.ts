#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { CliError, EXIT } from "./exit.ts";
import { SETTINGS } from "./config.ts";
import type { AskFlags, PublishFlags, TailFlags } from "./flags.ts";

const EXIT_HELP = `
Exit codes: 0 done · 1 failed · 2 wrong use · 3 no server, or the data folder is in use · 4 interrupted · 130 stopped by you`;

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("millrace")
  .description(
    "Plain HTTP streaming for AI chat and live feeds that never loses, doubles or reorders a token.",
  )
  .version(version)
  .showSuggestionAfterError()
  .exitOverride()
  .addHelpText("after", EXIT_HELP);

const serve = program.command("serve").description("Serve the page, the streams and the models.");
for (const { name, argument, isOn, help } of SETTINGS) {
  // With both there is no default that would win over the environment and the file.
  if (isOn) serve.addOption(new Option(`--${name}`).hideHelp()).option(`--no-${name}`, help);
  else serve.option(argument === undefined ? `--${name}` : `--${name} <${argument}>`, help);
}
serve
  .option("--config <file>", "a file of settings (default: millrace.config.json where there is one)")
  .addHelpText(
    "after",
    `
Each setting may also stand in the environment (MILLRACE_PORT=4100) or in the file ({"port": 4100}).
Flags win over the environment, the environment over the file.

Examples:
  millrace serve
  millrace serve --port 8000 --data /var/lib/millrace
  millrace serve --log memory --dev`,
  )
  .action(async (flags: Record<string, unknown>) => (await import("./serve.ts")).serve(flags));

const server = (command: Command) =>
  command
    .option(
      "--url <url>",
      "the server (default: the one that owns the data folder, else http://127.0.0.1:4000)",
    )
    .option("--data <folder>", "the data folder whose server is asked", ".millrace");

server(program.command("ask"))
  .description("Ask a model; the answer comes as it is written. Ctrl+C stops it.")
  .argument("[prompt]", 'the question; "-" or nothing: from standard input')
  .option("--model <id>", "the model that answers")
  .option("--key <key>", "the same key and question again is the same answer, not a new one")
  .addHelpText(
    "after",
    `\nExamples:\n  millrace ask "What is SSE?"\n  cat notes.txt | millrace ask --model llama3.2`,
  )
  .action(async (prompt: string | undefined, options: AskFlags) =>
    (await import("./ask.ts")).ask(prompt, options),
  );

server(program.command("tail"))
  .description("Follow a stream, one event a line. It goes on by itself after any cut.")
  .argument("<stream>", "its name")
  .option("--after <cursor>", "where to begin: a cursor, start or now", "start")
  .option("--json", 'a line is {"cursor", "event"}')
  .addHelpText("after", "\nExamples:\n  millrace tail scores\n  millrace tail tickets/42 --after now --json")
  .action(async (stream: string, options: TailFlags) => (await import("./tail.ts")).tail(stream, options));

server(program.command("publish"))
  .description("Append an event to a stream; prints its cursor.")
  .argument("<stream>", "its name")
  .argument("<json>", 'the event, an object; "-": one a line from standard input')
  .option("--close", "close the stream with it")
  .addHelpText(
    "after",
    `\nExamples:\n  millrace publish scores '{"type":"score","key":"m1","home":2}'\n  cat events.jsonl | millrace publish audit -`,
  )
  .action(async (stream: string, json: string, options: PublishFlags) =>
    (await import("./publish.ts")).publish(stream, json, options),
  );

// A reader that has had enough, such as `head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.failed),
);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  else if (error instanceof CliError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  } else throw error;
}
