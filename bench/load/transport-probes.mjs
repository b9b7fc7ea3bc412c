import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, startModule } from "../children.mjs";
import { percentile } from "../measure.mjs";
import { runName } from "../resumers/answer.mjs";
import { PROXIES, isInstalled, startProxy } from "./proxies.mjs";

/** Real clients over wires: what can be seen from outside of each transport. Each answers with figures by transport. */

/** From the request for a stream that is under way to its first word, with the round trip of a mobile network. */
export async function probeSetUp(names, { times, delayMs }) {
  return mapNames(names, (name) =>
    withHost(name, {}, async ({ port, read, start }) => {
      const firsts = [];
      for (let turn = 0; turn < times; turn += 1) {
        const run = runName(`setup${turn}`, 400, 100);
        const reading = read({ run, delayMs, isOnce: true }, port, 3_000);
        await start(run, false);
        const [{ first }] = await reading;
        if (first !== undefined) firsts.push(first);
      }
      const median = (member) =>
        percentile(
          firsts.map((first) => first[member]),
          0.5,
        );
      return {
        setUpMs: median("ms"),
        setUpUp: median("up"),
        setUpDown: median("down"),
        connections: median("connections"),
      };
    }),
  );
}

/** Words through each proxy, and a silence in the middle.
 *  @returns {Promise<Record<string, Record<string, object>>>} by proxy, then by transport */
export async function probeProxies(names, { words, rate, silenceMs }) {
  const hosts = await Promise.all(names.map((name) => startHost(name)));
  const proxies = PROXIES.filter(isInstalled);
  const started = await Promise.all(
    proxies.map((proxy) =>
      startProxy(
        proxy,
        hosts.map(({ port }) => port),
      ),
    ),
  );
  const limitMs = silenceMs + (words * 1000) / rate + 4_000;
  const found = await Promise.all(
    proxies.map(async ({ name: proxy, title }, at) => {
      const seen = await Promise.all(
        hosts.map(async (host, index) => {
          const run = runName(proxy.replace("-", ""), words, rate, silenceMs);
          const reading = host.read({ run }, started[at].ports[index], limitMs);
          await host.start(run);
          const [result] = await reading;
          const isThrough = result.lags.length > 0;
          return [
            host.name,
            {
              passes: isThrough ? 1 : 0,
              ...(isThrough && { lagP99: percentile(result.lags, 0.99), lost: result.lost }),
              ...(isThrough &&
                isHeld(host.name) && { heldSeconds: Math.min(silenceMs, result.heldMs ?? Infinity) / 1000 }),
            },
          ];
        }),
      );
      return [title, Object.fromEntries(seen)];
    }),
  );
  await Promise.all([...started, ...hosts].map((each) => each.stop()));
  return Object.fromEntries(found);
}

/** One response or socket for the whole time. */
const isHeld = (name) => !name.includes("poll");

/** Bytes towards the client per word, as it is and compressed: by nginx what is HTTP, by the server what is a WebSocket. */
export async function probeCompression(names, { words, rate }) {
  const told = PROXIES.find(({ name }) => name === "nginx-told");
  return mapNames(names, async (name) => {
    const isSocket = name === "ws" || name === "socket-io";
    const measure = (isCompressed) =>
      withHost(name, { BENCH_COMPRESSION: isCompressed ? "1" : "" }, async ({ port, read, start }) => {
        const proxy = isCompressed && !isSocket ? await startProxy(told, [port]) : undefined;
        const run = runName("compressed", words * 2, rate);
        const reading = read({ run }, proxy?.ports[0] ?? port, (words * 2_000) / rate + 3_000);
        await start(run);
        const [{ down, first, lags }] = await reading;
        await proxy?.stop();
        return { bytes: (down - (first?.down ?? 0)) / (words * 2), lagP99: percentile(lags, 0.99) };
      });
    const plain = await measure(false);
    if (!isSocket && !isInstalled(told)) return { bytesPlain: plain.bytes };
    const compressed = await measure(true);
    return { bytesPlain: plain.bytes, bytesCompressed: compressed.bytes, lagCompressed: compressed.lagP99 };
  });
}

const NOT_LET_THROUGH_MS = 1_500;

async function mapNames(names, probe) {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await probe(name)])));
}

async function withHost(name, env, use) {
  const host = await startHost(name, env);
  try {
    return await use(host);
  } finally {
    await host.stop();
  }
}

async function startHost(name, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const port = await freePort();
  const host = startModule("resumers/host.mjs", [name], { env });
  const readers = startModule("load/cut-readers.mjs", [name]);
  const [{ starts }] = await Promise.all([
    host.ask("serve", { port, folder, runs: [] }),
    readers.ask("ready"),
  ]);
  return {
    name,
    port,
    /** One answer. */
    read: (answer, to, limitMs) =>
      readers.ask("read", { reading: answer.run, port: to, answers: [answer], limitMs }),
    /** When it is connected, or some time after the one who is not let through has asked. */
    async start(run, isAwaited = true) {
      const opened = readers.ask("opened", { reading: run });
      if (starts && isAwaited) await Promise.race([opened, sleep(NOT_LET_THROUGH_MS)]);
      await Promise.all([host.ask("start", { runs: [run] }), readers.ask("go", { reading: run })]);
    },
    async stop() {
      await Promise.all([host.stop(), readers.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
