import { useEffect } from "react";
import type { ReactNode } from "react";
import type { ConnectionView, StreamError } from "millrace/client";
import { useChats, useConnection, useModels } from "millrace/react";
import { SignInButton } from "./sign-in-button.tsx";
import { LINK_WORDS } from "./words.ts";
import type { Status } from "./words.ts";

/** The dot of the connection and one sentence. The sentence is the page's only live region. */
export function StatusLine({ status, children }: { status: Status; children?: ReactNode }): ReactNode {
  const connection = useConnection();
  const chats = useChats();
  const models = useModels();
  const link = linkOf(connection.status, chats.error);
  // What came too early for the server comes with the stream.
  const isModelless = link === "open" && models.status === "failed";
  useEffect(() => {
    if (isModelless) void models.refresh();
  }, [isModelless, models.refresh]);

  const isSignedOut = connection.error?.status === 401 || chats.error?.code === "unauthorized";

  function retry(): void {
    connection.retry();
    chats.refresh();
    void models.refresh();
  }

  return (
    <div className="notice">
      <span
        className="link"
        id="link"
        role="img"
        aria-label={LINK_WORDS[link]}
        title={LINK_WORDS[link]}
        data-link={link}
      />
      <p className="status" id="status" role="status" data-tone={status.tone}>
        {status.text}
      </p>
      {link === "refused" && (
        <div className="notice-ways">
          <button type="button" className="button is-line" onClick={retry}>
            Try again
          </button>
          {isSignedOut && <SignInButton onSignedIn={retry} />}
        </div>
      )}
      {children}
    </div>
  );
}

/** Before anything is followed, what keeps it from being followed. */
function linkOf(status: ConnectionView["status"], error: StreamError | undefined): ConnectionView["status"] {
  if (status !== "idle" || error === undefined) return status;
  return error.isRetryable ? "connecting" : "refused";
}
