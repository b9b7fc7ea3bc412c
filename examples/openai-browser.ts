// The openai package in a page. The key is none, so that nothing is given away: who may ask is up to your server.
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: new URL("/v1", location.href).href,
  apiKey: "none",
  dangerouslyAllowBrowser: true,
});

/** Shows an answer as it is written, until it ends or `signal` aborts, which ends its run for everybody. */
export async function showAnswer(output: HTMLElement, question: string, signal?: AbortSignal) {
  const stream = await client.chat.completions.create(
    { model: "guide", stream: true, messages: [{ role: "user", content: question }] },
    signal && { signal },
  );
  for await (const { choices } of stream) {
    output.append(choices[0]?.delta.content ?? "");
    const reason = choices[0]?.finish_reason;
    if (typeof reason === "string") output.dataset["reason"] = reason;
  }
}
