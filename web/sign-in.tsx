import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { addressOf } from "./base.ts";
import { Dialog } from "./dialog.tsx";

export interface SignInProps {
  onSignedIn: () => void;
  onClose: () => void;
}

/** Source: PROTOCOL.md "Who may". */
interface Session {
  accepts: readonly ("key" | "token" | "guest")[];
}

/** Asks for a key, which becomes a cookie that no script can read: the page keeps nothing of it. */
export function SignIn({ onSignedIn, onClose }: SignInProps): ReactNode {
  const [accepts, setAccepts] = useState<Session["accepts"]>();
  const [failure, setFailure] = useState<string>();
  const [isSending, setSending] = useState(false);

  useEffect(() => {
    fetch(addressOf("/v1/session"))
      .then(async (response) => setAccepts(((await response.json()) as Session).accepts))
      // Whoever cannot be asked says so when the key is sent.
      .catch(() => undefined);
  }, []);

  async function signIn(body: { key?: string }): Promise<void> {
    if (isSending) return;
    setSending(true);
    const outcome = await send(body);
    setSending(false);
    if ("problem" in outcome) setFailure(outcome.problem);
    // What the page shows is of who was here before.
    else if (isSomebodyElse(outcome.person)) location.reload();
    else onSignedIn();
  }

  const takesKey = accepts === undefined || accepts.includes("key") || accepts.includes("token");
  return (
    <Dialog title="Sign in" onClose={onClose}>
      <form
        className="sign-in"
        onSubmit={(event) => {
          event.preventDefault();
          const given = new FormData(event.currentTarget).get("key");
          const key = typeof given === "string" ? given.trim() : "";
          if (key === "") setFailure("Enter a key.");
          else void signIn({ key });
        }}
      >
        {takesKey && (
          <>
            <label htmlFor="sign-in-key">
              {accepts?.includes("token") === true ? "Your key or token" : "Your key"}
            </label>
            <input
              id="sign-in-key"
              name="key"
              type="password"
              autoComplete="current-password"
              autoCapitalize="off"
              spellCheck={false}
              placeholder="mr_…"
              aria-describedby="sign-in-hint"
              aria-invalid={failure !== undefined}
            />
            <p className="sign-in-hint" id="sign-in-hint">
              Whoever runs this server makes one with <code>millrace keys create</code>. This browser stays
              signed in; the page does not keep the key.
            </p>
          </>
        )}
        {failure !== undefined && (
          <p className="is-failed" role="alert">
            {failure}
          </p>
        )}
        <div className="dialog-foot">
          {accepts?.includes("guest") === true && (
            <button type="button" className="button is-line" onClick={() => void signIn({})}>
              Go on as a guest
            </button>
          )}
          {takesKey && (
            <button type="submit" className="button is-primary" aria-disabled={isSending}>
              Sign in
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

const KEPT = "millrace-person";

/** Whether another person was signed in here last. Where nothing can be kept, it may have been. */
function isSomebodyElse(person: string): boolean {
  try {
    const former = localStorage.getItem(KEPT) ?? person;
    localStorage.setItem(KEPT, person);
    return former !== person;
  } catch {
    return true;
  }
}

async function send(body: { key?: string }): Promise<{ person: string } | { problem: string }> {
  try {
    const response = await fetch(addressOf("/v1/session"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { person?: string; error?: { message?: string } };
    if (response.ok && answer.person !== undefined) return { person: answer.person };
    return { problem: answer.error?.message ?? "That did not work. Try again." };
  } catch {
    // Not reached, or answered by something else on the way.
    return { problem: "The server cannot be reached. Try again in a moment." };
  }
}
