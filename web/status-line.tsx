import type { ReactNode } from "react";
import { useConnection } from "millrace/react";
import { LINK_WORDS } from "./words.ts";
import type { Status } from "./words.ts";

/** The dot of the connection and one sentence. The sentence is the page's only live region. */
export function StatusLine({ status, children }: { status: Status; children?: ReactNode }): ReactNode {
  const connection = useConnection();
  return (
    <div className="notice">
      <span
        className="link"
        id="link"
        role="img"
        aria-label={LINK_WORDS[connection.status]}
        title={LINK_WORDS[connection.status]}
        data-link={connection.status}
      />
      <p className="status" id="status" role="status" data-tone={status.tone}>
        {status.text}
      </p>
      {connection.status === "refused" && (
        <button type="button" className="button is-line" onClick={connection.retry}>
          Try again
        </button>
      )}
      {children}
    </div>
  );
}
