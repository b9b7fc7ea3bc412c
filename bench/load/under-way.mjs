import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startModule } from "../children.mjs";
import { percentile } from "../measure.mjs";
import { runName, wordOf } from "../resumers/answer.mjs";

const LIMIT_MS = 45_000;
/** So many words are said per second at most. */
const RATE = 50_000;

/** Comes back again and again to an answer of which so many words are said and more are to come.
 *  @param {{words: number, times: number}} size */
export async function comeBackUnderWay(resumer, { words, times }, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const port = await freePort();
  const host = startModule("resumers/host.mjs", [resumer.name], { env });
  const run = runName("long", words * 2, RATE, LIMIT_MS * 2);
  const last = wordOf(words - 1);
  const ask = ({ path, ...request }) => readUntil(`http://127.0.0.1:${port}${path}`, request, last);
  try {
    await host.ask("serve", { port, folder, runs: [] });
    await ask(resumer.begin(run));
    const seen = [];
    for (let turn = 0; turn < times; turn += 1) seen.push(await ask(resumer.again(run)));
    const text = Array.from({ length: words }, (_, index) => wordOf(index)).join("");
    return {
      startP50: percentile(
        seen.map(({ ms }) => ms),
        0.5,
      ),
      startP99: percentile(
        seen.map(({ ms }) => ms),
        0.99,
      ),
      bytesPerText:
        percentile(
          seen.map(({ bytes }) => bytes),
          0.5,
        ) / Buffer.byteLength(JSON.stringify(text)),
    };
  } finally {
    await host.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From the request until the last word is there; then it leaves. */
async function readUntil(url, request, last) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), LIMIT_MS);
  const begun = performance.now();
  let bytes = 0;
  let tail = "";
  try {
    const response = await fetch(url, { ...request, signal: abort.signal });
    if (response.status !== 200) throw new Error(`${url} was answered with ${response.status}`);
    for await (const piece of response.body) {
      bytes += piece.length;
      const text = tail + Buffer.from(piece).toString("latin1");
      if (text.includes(last)) return { ms: performance.now() - begun, bytes };
      tail = text.slice(-last.length);
    }
    throw new Error(`${url} ended before the word that was waited for`);
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}
