/** A process that serves one of the resumers. */
import { begun } from "./answer.mjs";

const [name] = process.argv.slice(2);
const { default: resumer } = await import(`./${name}.mjs`);
let server;

process.on("message", (message) => {
  void handle(message).then(
    (answer) => process.send?.({ id: message.id, answer }),
    (error) => process.send?.({ id: message.id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());
// A write to a reader that has just been cut: what matters is what the reader gets in the end.
process.on("unhandledRejection", () => undefined);

async function handle({ type, runs, ...options }) {
  switch (type) {
    case "serve":
      server = await resumer.serve(options);
      await server.prepare?.(runs);
      return { starts: server.start !== undefined };
    case "start":
      for (const run of runs) void server?.start?.(run);
      return {};
    case "begun":
      return { times: [...begun.values()].reduce((sum, times) => sum + times, 0), runs: begun.size };
    default:
      throw new Error(`A resumer does not know ${type}.`);
  }
}
