/** A process that speaks OpenAI's wire format: each token holds the time at which it was sent. The prompt says how many, and
 *  how many per second (0: flat out), and after what `delay` in ms, if any. */
import { createServer } from "node:http";
import { makeMark } from "./event.mjs";

const PER_WRITE = 16;
const TICK_MS = 2;
const HEAD =
  'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[{"index":0,"delta":';
const TAIL = ',"logprobs":null,"finish_reason":null}]}\n\n';
const LAST = `${HEAD}{},"logprobs":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;

const paced = new Set();

process.on("message", ({ id, port }) =>
  server.listen(port, "127.0.0.1", 4_096, () => process.send?.({ id, answer: {} })),
);
process.on("disconnect", () => process.exit());

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (piece) => {
    body += piece;
  });
  request.on("end", () => {
    if (request.method === "GET") {
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(
        '{"object":"list","data":[{"id":"bench","object":"model","created":1,"owned_by":"bench"}]}',
      );
      return;
    }
    const prompt = JSON.parse(body).messages.at(-1).content;
    const [, tokens, rate] = /tokens=(\d+) rate=(\d+)/.exec(prompt).map(Number);
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache",
    });
    response.write(`${HEAD}{"role":"assistant","content":""}${TAIL}`);
    if (rate === 0) sendFlat(response, tokens);
    else {
      const delayMs = Number(/delay=(\d+)/.exec(prompt)?.[1] ?? 0);
      const start = performance.now() + delayMs + Math.random() * 20;
      paced.add({ response, tokens, rate, sent: 0, start });
    }
  });
});

setInterval(() => {
  const now = performance.now();
  for (const run of paced) {
    const due =
      now < run.start ? 0 : Math.min(run.tokens, Math.floor(((now - run.start) * run.rate) / 1000) + 1);
    for (; run.sent < due; run.sent += 1) run.response.write(token(run.sent + 1));
    if (run.sent === run.tokens) run.response.end(LAST);
    if (run.sent === run.tokens || run.response.destroyed) paced.delete(run);
  }
}, TICK_MS);

function sendFlat(response, tokens) {
  let sent = 0;
  const go = () => {
    while (sent < tokens) {
      let text = "";
      for (const end = Math.min(tokens, sent + PER_WRITE); sent < end;) text += token((sent += 1));
      if (!response.write(text)) {
        response.once("drain", go);
        return;
      }
    }
    response.end(LAST);
  };
  go();
}

function token(sequence) {
  return `${HEAD}{"content":"${makeMark(0, sequence)} "}${TAIL}`;
}
