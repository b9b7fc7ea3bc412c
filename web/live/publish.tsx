import { useState } from "react";
import type { ReactNode } from "react";

const SAID_MS = 2_000;

export interface PublishProps {
  commands: string;
  /** Default: that it publishes. */
  title?: string;
  /** Only its title is shown until somebody wants more. Default false. */
  isFolded?: boolean;
}

/** The command that moves the page, to be copied into a terminal. */
export function Publish({
  commands,
  title = "Publish this with curl",
  isFolded = false,
}: PublishProps): ReactNode {
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
  const button = (
    <button type="button" className="button is-line" onClick={() => void copy()}>
      {said ?? "Copy"}
    </button>
  );
  const code = (
    <pre role="region" tabIndex={0} aria-label="Command">
      <code>{commands}</code>
    </pre>
  );
  if (isFolded) {
    return (
      <details className="publish">
        <summary>{title}</summary>
        {code}
        {button}
      </details>
    );
  }
  return (
    <section className="publish" aria-labelledby="publish">
      <div className="panel-head">
        <h2 id="publish">{title}</h2>
        {button}
      </div>
      {code}
    </section>
  );
}
