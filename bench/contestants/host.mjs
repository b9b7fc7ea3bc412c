/** A contestant's process: serves, and where it is asked to publishes in process, as an application does. */
import { runLoad } from "../load/schedule.mjs";
import { FENCE, makeEvent } from "../load/event.mjs";

const [name] = process.argv.slice(2);
const { default: contestant } = await import(`./${name}.mjs`);
let server;

process.on("message", (message) => {
  void handle(message).then(
    (answer) => process.send?.({ id: message.id, answer }),
    (error) => process.send?.({ id: message.id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());
process.on("SIGTERM", () => process.exit());

async function handle({ type, port, folder, load, paths, sequence }) {
  switch (type) {
    case "serve":
      server = await contestant.serve({ port, folder });
      return {};
    case "load":
      return runLoad(load, (publisher, stream, event) => server.publish(paths[stream], event));
    case "fence":
      await Promise.all(paths.map((stream) => server.publish(stream, makeEvent(FENCE, sequence))));
      return {};
    default:
      throw new Error(`A contestant does not know ${type}.`);
  }
}
