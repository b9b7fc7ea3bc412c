/** A question as it was asked once. The key tells it from the same words asked again. */
export interface Question {
  prompt: string;
  key: string;
  model?: string;
}

/** What an address asks of the page: nothing, a prompt to begin with, or an answer to be read. */
export type Visit =
  | { type: "empty" }
  | { type: "draft"; prompt: string }
  | { type: "answer"; question: Question; start: string };

/** The address that shows an answer: reload, Back and a second tab all read it and start nothing.
 *  Shape: `start` is the cursor before the first event. A request with a cursor never starts a run, so a link made by
 *         someone else cannot spend tokens here. */
export function writeAddress(question: Question, start: string): string {
  const query = new URLSearchParams({ q: question.prompt, k: question.key });
  if (question.model !== undefined) query.set("m", question.model);
  query.set("c", start);
  return `?${query.toString()}`;
}

/** Reads the page's own query. Without a cursor a prompt is only a draft: it is for the person to send it. */
export function readAddress(search: string): Visit {
  const query = new URLSearchParams(search);
  const prompt = query.get("q")?.trim() ?? "";
  const key = query.get("k");
  const start = query.get("c");
  if (prompt === "") return { type: "empty" };
  if (key === null || start === null) return { type: "draft", prompt };
  const model = query.get("m");
  return { type: "answer", question: model === null ? { prompt, key } : { prompt, key, model }, start };
}

/** The URL of the answer's stream: it names the run, so asking it twice starts it once. */
export function streamUrl(question: Question): string {
  const model = question.model === undefined ? "" : `&model=${encode(question.model)}`;
  return `/stream?prompt=${encode(question.prompt)}${model}&key=${encode(question.key)}`;
}

/** The line for a terminal that reads the same stream. */
export function curlLine(origin: string, question: Question): string {
  return `curl -N -H 'Accept: text/event-stream' '${origin}${streamUrl(question)}'`;
}

// encodeURIComponent leaves the apostrophe, which would end the shell's quotes.
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("'", "%27");
}
