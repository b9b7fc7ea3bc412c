#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { CliError, EXIT } from "./exit.ts";
import { SETTINGS } from "./config.ts";
import type {
  AskFlags,
  DoctorFlags,
  ExportFlags,
  ImportFlags,
  KeyFlags,
  KeysFlags,
  PublishFlags,
  TailFlags,
  TortureFlags,
} from "./flags.ts";

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

const repeated = (line: string, all: string[] | undefined) => [...(all ?? []), line];
const backup = (command: Command) =>
  command
    .option("--stream <prefix>", "only streams whose names begin so; may be repeated", repeated)
    .option("--url <url>", "the server (default: the one that owns the data folder, else the folder itself)")
    .option("--data <folder>", "the data folder", ".millrace")
    .addHelpText(
      "after",
      "\nWhere a server asks for a key, it stands in MILLRACE_API_KEY, with the scope admin. A log in Redis is saved by Redis.",
    );

backup(program.command("export"))
  .description(
    "Save streams into a file, while they are in use: one JSON object a line. Those under sys/ only if named.",
  )
  .argument("<file>", "it is there once it is whole")
  .addHelpText(
    "after",
    "\nExamples:\n  millrace export backup.ndjson\n  millrace export chats.ndjson --stream chats/ --stream people/",
  )
  .action(async (file: string, flags: ExportFlags) =>
    (await import("./backup.ts")).exportStreams(file, flags),
  );

backup(program.command("import"))
  .description("Put the streams of such a file back. A file that was cut or changed is refused.")
  .argument("<file>", "what export has written")
  .option("--replace", "in the place of streams that are there; without it one that is there refuses all")
  .option(
    "--missing",
    "those that are not there, and leave the others: to go on with an import that was ended",
  )
  .addHelpText(
    "after",
    "\nExamples:\n  millrace import backup.ndjson\n  millrace import backup.ndjson --stream scores --replace",
  )
  .action(async (file: string, flags: ImportFlags) =>
    (await import("./backup.ts")).importStreams(file, flags),
  );

program
  .command("doctor")
  .description(
    "Look at any event stream from outside, through what stands in between, and say what is wrong. Exit code 1 where something is.",
  )
  .argument("<url>", "of the stream: Millrace's or another's. It is asked some ten times")
  .option("--publish [url]", "a POST there makes an event come (default: the same address)")
  .option("--body <text>", 'what is posted (default: {"type":"doctor","mark":"{mark}"})')
  .option(
    "--header <line>",
    "sent with every request; may be repeated",
    (line: string, all: string[] | undefined) => [...(all ?? []), line],
  )
  .option("--origin <origin>", "an origin whose pages are to read it, such as https://app.example")
  .option("--timeout <seconds>", "how long it listens for silence and cuts", "65")
  .option("--wait <seconds>", "how long one answer, or one event, is waited for", "3")
  .option("--silence <seconds>", "the longest silence that is allowed", "45")
  .option("--json", "the findings as one line of JSON")
  .addHelpText(
    "after",
    "\nExamples:\n  millrace doctor http://127.0.0.1:4000/v1/streams/scores --publish\n  millrace doctor https://app.example/events --publish https://app.example/say --header 'Cookie: session=…'",
  )
  .action(async (url: string, flags: DoctorFlags) => (await import("./doctor.ts")).doctor(url, flags));

const keys = program.command("keys").description("API keys: who may use a server, and what they may.");
const keyFile = (command: Command) =>
  command
    .option("--data <folder>", "the data folder of the server", ".millrace")
    .option("--keys <file>", "the file of keys (default: keys.json in the data folder)");

keyFile(keys.command("create"))
  .description("Make a key and print it. Only its digest is kept, so it is shown this once.")
  .argument("<name>", "what people call it")
  .option("--scopes <scopes>", "what it may", "run read:* append:* signal:*")
  .option("--person <person>", "in whose name it acts (default: somebody of its own)")
  .option("--days <number>", "how long it holds (default: until it is revoked)")
  .addHelpText(
    "after",
    `
Scopes: admin · run · read:NAMES · append:NAMES · close:NAMES · signal:NAMES, where NAMES is a stream, a prefix
such as teams/*, or * for all but the server's own.

Examples:
  millrace keys create laptop --scopes admin --person local
  millrace keys create scoreboard --scopes "append:scores read:scores" --days 90`,
  )
  .action(async (name: string, flags: KeyFlags) => (await import("./keys.ts")).makeKey(name, flags));

keyFile(keys.command("list"))
  .description("Show the keys there are.")
  .option("--json", "as JSON")
  .action(async (flags: KeysFlags) => (await import("./keys.ts")).listKeys(flags));

keyFile(keys.command("revoke"))
  .description("Revoke a key. A server that runs closes what was opened with it within seconds.")
  .argument("<id>", "its id, or the key itself")
  .action(async (id: string, flags: KeysFlags) => (await import("./keys.ts")).revokeKey(id, flags));

program
  .command("torture")
  .description(
    "Cut, kill, stall and reload for some time, and compare what each reader got. Exit code 1 on any loss.",
  )
  .option("--duration <seconds>", "how long", "30")
  .option("--seed <number>", "what is broken when", "1")
  .option("--nodes <number>", "nodes that are started, and killed in turn", "2")
  .option("--runs <number>", "runs at a time, each with three readers", "20")
  .option("--rate <number>", "tokens a second of one run, at most", "400")
  .option("--cut-after <bytes>", "nine of ten connections are cut before so much came", "2000")
  .option("--cuts <number>", "end as soon as so many connections were cut")
  .option("--kill-every <seconds>", "how often a node is killed, or each fourth time Redis", "5")
  .option("--no-redis-kills", "kill nodes alone")
  .option("--recover <how>", "what becomes of the runs of a killed node: interrupted or continue")
  .option("--log <address>", "a Redis to share (default: one is started where there are several nodes)")
  .option(
    "--url <urls>",
    "nodes that are there, started with --dev, with commas between: they are not killed",
  )
  .option("--json", "the report as one line of JSON")
  .addHelpText(
    "after",
    "\nExamples:\n  millrace torture\n  millrace torture --nodes 3 --duration 180 --json\n  millrace torture --url http://10.0.0.1:4000,http://10.0.0.2:4000",
  )
  .action(async (flags: TortureFlags) => (await import("./torture.ts")).torture(flags));

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
