import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "../contestants/plain.mjs";
import { speak } from "./answer.mjs";

/** `GET /poll/{run}?after=n`: what came after n, as JSON; at once, or with `wait` as soon as there is something.
 *  @param {{waits?: boolean, everyMs?: number}} options */
export const createPoller = ({ waits = false, everyMs = 1_000 }) => ({
  async serve({ port }) {
    const histories = new Map();
    const historyOf = (run) =>
      histories.get(run) ?? histories.set(run, { texts: [], isEnded: false, waiting: new Set() }).get(run);
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url, "http://host");
      const history = historyOf(pathname.slice(6));
      const after = Number(searchParams.get("after"));
      const answer = () => {
        history.waiting.delete(answer);
        clearTimeout(timer);
        const texts = history.texts.slice(after);
        response.setHeader("Content-Type", "application/json");
        response.end(JSON.stringify({ texts, next: after + texts.length, isEnded: history.isEnded }));
      };
      const timer = setTimeout(answer, 25_000);
      if (!waits || history.texts.length > after || history.isEnded) return answer();
      history.waiting.add(answer);
      response.on("close", () => clearTimeout(timer) ?? history.waiting.delete(answer));
    });
    await listen(server, port);
    return {
      async start(run) {
        const history = historyOf(run);
        for await (const text of speak(run)) {
          history.texts.push(text);
          wake(history);
        }
        history.isEnded = true;
        wake(history);
      },
    };
  },
  async read({ url, run, say, open, signal }) {
    open();
    for (let after = 0, isCut = false; !signal.aborted; await sleep(waits && !isCut ? 0 : everyMs)) {
      try {
        isCut = false;
        const { texts, next, isEnded } = await (
          await fetch(`${url}/poll/${run}?after=${after}`, { signal })
        ).json();
        say(texts.join(""));
        after = next;
        if (isEnded) return;
      } catch {
        isCut = true; // the network: it asks again
      }
    }
  },
});

export default {
  title: "polling, every second",
  version: () => process.version,
  way: "asks with the number of what it has",
  yours: "a history, both sides of the asking",
  ...createPoller({}),
};

function wake(history) {
  const { waiting } = history;
  history.waiting = new Set();
  for (const answer of waiting) answer();
}
