import { createServer } from "node:http";
import { listen } from "./plain.mjs";

const HISTORY = 1_000;
/** Below what proxies wait for, by default 50 to 60 s. */
const HOLD_MS = 25_000;

/** `GET /poll/{stream}?after=n`: the events after n as JSON; with `wait` it is held until there is one. */
async function serve({ port }) {
  const streams = new Map();
  const streamOf = (name) =>
    streams.get(name) ?? streams.set(name, { events: [], first: 0, waiting: new Set() }).get(name);
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://host");
    const stream = streamOf(pathname.slice(6));
    const head = stream.first + stream.events.length;
    const after = Math.min(head, Number(searchParams.get("after")));
    const answer = () => {
      stream.waiting.delete(answer);
      clearTimeout(timer);
      const events = stream.events.slice(Math.max(0, after - stream.first));
      const body = `{"events":[${events.join(",")}],"next":${stream.first + stream.events.length}}`;
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length });
      response.end(body);
    };
    let timer;
    if (after < head || !searchParams.has("wait")) return answer();
    timer = setTimeout(answer, HOLD_MS);
    stream.waiting.add(answer);
    response.on("close", () => {
      clearTimeout(timer);
      stream.waiting.delete(answer);
    });
  });
  await listen(server, port);
  return {
    publish(name, data) {
      const stream = streamOf(name);
      stream.events.push(data);
      if (stream.events.length > HISTORY) stream.first += stream.events.splice(0, HISTORY / 2).length;
      const { waiting } = stream;
      stream.waiting = new Set();
      for (const answer of waiting) answer();
    },
  };
}

export const createPolling = (title, transport) => ({
  title,
  version: () => process.version,
  readPath: (stream) => `/poll/${stream}`,
  transport,
  serve,
});

export default createPolling("polling, every second", { kind: "poll", everyMs: 1_000 });
