/** A process that appends to the embedded log through its public name. */
import { importProduct } from "../contestants/product.mjs";
import { makeEvent } from "./event.mjs";

process.on("message", (message) => {
  void append(message).then(
    (answer) => process.send?.({ id: message.id, answer }),
    (error) => process.send?.({ id: message.id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());

let log;

async function append({ folder, streams, inFlight, perAppend, durationMs }) {
  const { openLmdbLog } = await importProduct("millrace/log/lmdb");
  log ??= await openLmdbLog({ directory: folder });
  const names = Array.from(
    { length: streams },
    (_, index) => `append-${streams}-${inFlight}-${perAppend}/${index}`,
  );
  const events = Array.from({ length: perAppend }, (_, index) => ({ data: makeEvent(0, index) }));
  const options = { create: { kind: "log" } };
  const latencies = [];
  let appended = 0;
  const work = async (worker, end) => {
    for (let turn = worker; performance.now() < end; turn += inFlight) {
      const begun = performance.now();
      const { status } = await log.append(names[turn % streams], events, options);
      if (status !== "appended") throw new Error(`An append was answered with ${status}.`);
      latencies.push(performance.now() - begun);
      appended += perAppend;
    }
  };
  const runFor = (ms) => {
    const end = performance.now() + ms;
    return Promise.all(Array.from({ length: inFlight }, (_, worker) => work(worker, end)));
  };
  await runFor(durationMs / 4);
  appended = 0;
  latencies.length = 0;
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  await runFor(durationMs);
  const seconds = (performance.now() - begun) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  latencies.sort((a, b) => a - b);
  return {
    perSecond: appended / seconds,
    cpuMicros: (cpu.user + cpu.system) / appended,
    p50: latencies[latencies.length >> 1],
    p99: latencies[Math.floor(latencies.length * 0.99)],
  };
}
