/** A process that fills a data folder: one long answer, and many other events. Says how to find the answer. */
import { importProduct } from "../contestants/product.mjs";
import { makeEvent } from "./event.mjs";

const STREAMS = 1_000;
const PER_APPEND = 250;
const IN_FLIGHT = 8;

process.on("message", (message) => {
  void fill(message).then(
    (answer) => process.send?.({ id: message.id, answer }),
    (error) => process.send?.({ id: message.id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());

async function fill({ folder, tokens, others }) {
  const { createServer } = await importProduct("millrace");
  const server = await createServer({ log: "lmdb", data: folder, isDev: true, hasPages: false });
  await fillOthers(server, others / 2);
  const url = await server.listen(0);
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ model: "script", prompt: `tokens=${tokens} rate=0 seed=7` });
  const started = await fetch(`${url}/v1/runs`, { method: "POST", headers, body });
  const { run, stream } = await started.json();
  let answer;
  for (
    let tries = 0;
    answer?.status === undefined || answer.status === "running" || answer.status === "open";
    tries += 1
  ) {
    if (tries > 600) throw new Error(`The run does not end: ${JSON.stringify(answer)?.slice(0, 200)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = await (await fetch(`${url}/v1/runs/${run}`)).json();
  }
  await fillOthers(server, others / 2);
  const { cursor, text } = answer;
  await server.close();
  return { stream, cursor, jsonBytes: Buffer.byteLength(JSON.stringify(text)), status: answer.status };
}

async function fillOthers(server, count) {
  const data = makeEvent(0, 0);
  const events = Array.from({ length: PER_APPEND }, () => ({ data }));
  const options = { create: { kind: "log" } };
  let left = Math.ceil(count / PER_APPEND);
  const work = async () => {
    while (left > 0) {
      left -= 1;
      await server.log.append(`others/${left % STREAMS}`, events, options);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}
