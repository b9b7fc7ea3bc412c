import { useState } from "react";
import type { ReactNode } from "react";

const SAID_MS = 2_000;

/** The command that moves the page, to be copied into a terminal. */
export function Publish({ commands }: { commands: string }): ReactNode {
  const [said, setSaid] = useState<string>();
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(commands);
      setSaid("Copied");
    } catch {
      setSaid("Not copied"); // Refused by the browser: the text can still be marked.
    }
    setTimeout(() => setSaid(undefined), SAID_MS);
  }
  return (
    <section className="publish" aria-labelledby="publish">
      <div className="panel-head">
        <h2 id="publish">Publish this with curl</h2>
        <button type="button" className="button is-line" onClick={() => void copy()}>
          {said ?? "Copy"}
        </button>
      </div>
      <pre tabIndex={0} aria-label="Command">
        <code>{commands}</code>
      </pre>
    </section>
  );
}
