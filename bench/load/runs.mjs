import { freePort, startModule } from "../children.mjs";

/** Starts the provider; what a server must be told to find it is in `env`. */
export async function startProvider() {
  const provider = startModule("load/provider.mjs");
  const port = await freePort();
  await provider.ask("serve", { port });
  return { env: { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` }, stop: provider.stop };
}

let number = 0;

/** Requests that each start a run of its own.
 *  @param {"openai" | "prompt"} face */
export function runRequests(face, port, { runs, tokens, rate }) {
  return Array.from({ length: runs }, () => {
    number += 1;
    const prompt = `tokens=${tokens} rate=${rate} run=${number}`;
    const common = `Host: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\nConnection: close\r\n`;
    if (face === "prompt")
      return `GET /stream?model=bench&prompt=${encodeURIComponent(prompt)} HTTP/1.1\r\n${common}\r\n`;
    const body = JSON.stringify({
      model: "bench",
      stream: true,
      messages: [{ role: "user", content: prompt }],
    });
    const length = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    return `POST /v1/chat/completions HTTP/1.1\r\n${common}${length}\r\n${body}`;
  });
}
