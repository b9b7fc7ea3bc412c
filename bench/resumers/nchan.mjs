import { startCommand } from "../children.mjs";
import nchan from "../contestants/nchan.mjs";
import { speak } from "./answer.mjs";
import { listen } from "./listen.mjs";

/** Its subscribers begin with the oldest message that is kept, and come back with `Last-Event-ID`, which nchan answers itself. */
export default {
  title: nchan.title,
  files: nchan.files,
  version: () => nchan.version(),
  way: "`EventSource` with the ids that nchan writes; 10,000 messages for an hour in memory",
  yours: "a server that publishes, an end",
  async serve({ port, folder }) {
    const { command, args } = nchan.command({ port, folder, first: "oldest" });
    await startCommand(command, args, { port, cwd: folder });
    const send = (run, data) =>
      fetch(`http://127.0.0.1:${port}/publish/${run}`, { method: "POST", body: data });
    return {
      async start(run) {
        for await (const text of speak(run)) await send(run, JSON.stringify({ text }));
        await send(run, "[DONE]");
      },
    };
  },
  read({ url, run, say, open, signal }) {
    return listen({
      url: `${url}/read/${run}`,
      signal,
      open,
      onMessage: (data, close) => (data === "[DONE]" ? close() : say(JSON.parse(data).text)),
    });
  },
};
