// A dashboard of one line: what the server does at this moment, by the browser's own EventSource, without a library.

/** As the server says it once a second. The members that are shown; there are more. */
interface Figures {
  at: number;
  readers: number;
  events: number;
  loopMs: number;
  memory: number;
}

const PATH = "/v1/streams/sys/server?after=now";
/** Figures that stand still for so long are old. */
const OLD_MS = 5_000;

/** Shows the figures until the returned function is called. */
export function showOperations(line: HTMLElement, url = ""): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const source = new EventSource(url + PATH);
  source.addEventListener("message", ({ data }: MessageEvent<string>) => {
    const { readers, events, loopMs, memory } = JSON.parse(data) as Figures;
    line.dataset["state"] = loopMs > 100 ? "late" : "well";
    line.textContent = [
      `${readers} readers`,
      `${events} events/s`,
      `loop ${loopMs} ms`,
      `${Math.round(memory / 2 ** 20)} MB`,
    ].join(" · ");
    clearTimeout(timer);
    timer = setTimeout(() => (line.dataset["state"] = "old"), OLD_MS);
  });
  // It comes back by itself, with the cursor that it has; until then the figures are those of before.
  source.addEventListener("error", () => (line.dataset["state"] = "away"));
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
