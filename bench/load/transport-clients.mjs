/** A process of clients of one transport. */
import { TransportClient } from "./transport-client.mjs";

let clients = [];

process.on("message", (message) => {
  void handle(message).then(
    (answer) => process.send?.({ id: message.id, answer }),
    (error) => process.send?.({ id: message.id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());

async function handle({ type, ...options }) {
  switch (type) {
    case "open": {
      const { paths, ...common } = options;
      const added = paths.map((path) => new TransportClient({ ...common, path }));
      clients.push(...added);
      for (let from = 0; from < added.length; from += 64)
        await Promise.all(added.slice(from, from + 64).map((client) => client.open()));
      return {};
    }
    case "reset":
      for (const { scanner } of clients) scanner.latencies = [];
      return counts();
    case "counts":
      return counts();
    case "latencies":
      return clients.flatMap(({ scanner }) => scanner.latencies);
    case "close":
      for (const client of clients) client.close();
      clients = [];
      return {};
    default:
      throw new Error(`The clients do not know ${type}.`);
  }
}

function counts() {
  return { up: sum("up"), down: sum("down"), requests: sum("requests") };
}

function sum(member) {
  return clients.reduce((total, client) => total + client[member], 0);
}
