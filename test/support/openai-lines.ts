/** An answer as clients read it that take lines, not events. */
export interface LinesRead {
  data: unknown[];
  isDone: boolean;
  /** Lines that are none of data, id, comment or empty. */
  others: string[];
}

/** Reads a body line by line, as Continue's `streamSse` and open-webui do: each `data:` line is one JSON text. */
export function readLines(body: string, separator: RegExp | string = "\n"): LinesRead {
  const read: LinesRead = { data: [], isDone: false, others: [] };
  for (const line of body.split(separator)) {
    // Continue takes this for the end.
    if (line.startsWith(": ping")) return { ...read, isDone: true };
    if (line.startsWith("data:")) {
      const text = line.slice("data:".length).trim();
      if (text === "[DONE]") read.isDone = true;
      else read.data.push(JSON.parse(text));
    } else if (line !== "" && !line.startsWith("id: ") && !line.startsWith(":")) {
      read.others.push(line);
    }
  }
  return read;
}
