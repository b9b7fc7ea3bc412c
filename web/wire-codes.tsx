import { useRef, useState } from "react";
import type { ReactNode } from "react";
import { BASE } from "./base.ts";
import { copyText } from "./copy.ts";
import { wireCode } from "./wire-code.ts";

/** The same stream, read elsewhere: what to write, folded until someone asks. */
export function WireCodes({ chat, cursor }: { chat: string; cursor: string | undefined }): ReactNode {
  const [chosen, setChosen] = useState("curl");
  const copyLabel = useRef<HTMLButtonElement>(null);
  const codes = wireCode(location.origin + BASE, chat, cursor);
  const shown = codes.find(({ name }) => name === chosen) ?? codes[0];
  return (
    <details className="wire-codes">
      <summary>Show as code</summary>
      <div className="wire-tools" role="group" aria-label="Language">
        {codes.map(({ name }) => (
          <button
            key={name}
            type="button"
            className="button is-plain"
            aria-pressed={name === shown?.name}
            onClick={() => setChosen(name)}
          >
            {name}
          </button>
        ))}
        <button
          ref={copyLabel}
          type="button"
          className="button is-plain wire-copy"
          onClick={() =>
            copyLabel.current && shown !== undefined && void copyText(shown.text, copyLabel.current)
          }
        >
          Copy
        </button>
      </div>
      <pre tabIndex={0}>{shown?.text}</pre>
    </details>
  );
}
