import { get } from "node:http";
import { expect, test } from "vitest";
import { cursorAt, formatCursor } from "../../src/protocol/cursor.ts";
import type { StreamEvent } from "../support/reader.ts";
import { createRandom } from "../support/seeded.ts";
import { startServerProcess } from "../support/server-process.ts";
import { readStream } from "../support/reader.ts";

const TOKENS = 50_000;
const COMINGS = 1_000;
const SEED = 11;

test(`a ${TOKENS}-token answer is read from ${COMINGS} random cursors without a gap, at the cost of its text`, async () => {
  await using server = await startServerProcess();
  const response = await fetch(`${server.url}/v1/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: `tokens=${TOKENS} rate=0 seed=${SEED} markdown=true`, model: "script" }),
  });
  const { stream } = (await response.json()) as { stream: string };
  const url = `${server.url}/v1/streams/${stream}`;
  const whole = await readStream({ url, kind: "chat" });
  expect(whole).toMatchObject({ gaps: 0, doubles: 0, end: { reason: "stop", sha256: whole.sha256 } });

  // Which text comes after each offset, from what was read live, token by token or merged.
  const epoch = ((await (await fetch(url)).json()) as { head: string }).head.split(".")[0] ?? "";
  const jsonBytes = Buffer.byteLength(JSON.stringify(whole.text));
  const random = createRandom(SEED);
  const times: number[] = [];
  let most = 0;
  for (let coming = 0; coming < COMINGS; coming++) {
    const after = coming === 0 ? 0 : random.int(0, TOKENS + 1);
    const begun = performance.now();
    const body = await readFrom(url, formatCursor(cursorAt([{ epoch, from: 1 }], after)));
    times.push(performance.now() - begun);
    most = Math.max(most, Buffer.byteLength(body));
    expectRest(body, after, whole.text);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * times.length)]?.toFixed(1);
  console.log(
    `a ${TOKENS}-token answer from ${COMINGS} random cursors, seed ${SEED}: bytes at most ${(most / jsonBytes).toFixed(3)} x its JSON text, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  );
  expect(most).toBeLessThanOrEqual(1.1 * jsonBytes);
}, 400_000);

/** The offsets follow on each other from `after`, and the text is the end of the whole. */
function expectRest(body: string, after: number, whole: string): void {
  let offset = after;
  let text = "";
  for (const [, id, data] of body.matchAll(/^id: \w+\.(\d+)\ndata: (.*)$/gm)) {
    const event = JSON.parse(data ?? "") as StreamEvent;
    if (Number(id) !== offset + (event.span ?? 1)) throw new Error(`a gap after ${offset}: ${id}`);
    offset = Number(id);
    text += event.text ?? "";
  }
  expect(offset).toBe(TOKENS + 2);
  expect(whole.endsWith(text)).toBe(true);
  // One event starts the run: with a cursor at 1 or before it, all of the text is to come.
  if (after <= 1) expect(text).toBe(whole);
}

function readFrom(url: string, cursor: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { accept: "text/event-stream", "last-event-id": cursor } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        body += piece;
      });
      response.on("end", () => resolve(body));
    }).on("error", reject);
  });
}
