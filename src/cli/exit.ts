/** What the exit codes mean; `--help` says it too. */
export const EXIT = { done: 0, failed: 1, usage: 2, unavailable: 3, interrupted: 4, stopped: 130 } as const;

/** Ends the command with one sentence and an exit code. */
export class CliError extends Error {
  override name = "CliError";
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
