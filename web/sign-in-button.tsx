import { Suspense, lazy, useState } from "react";
import type { ReactNode } from "react";

// Whoever is signed in does not load it.
const SignIn = lazy(async () => ({ default: (await import("./sign-in.tsx")).SignIn }));

/** A way in, where a page says that nobody is signed in. */
export function SignInButton({ onSignedIn }: { onSignedIn: () => void }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button is-primary" onClick={() => setOpen(true)}>
        Sign in
      </button>
      {isOpen && (
        <Suspense>
          <SignIn
            onClose={() => setOpen(false)}
            onSignedIn={() => {
              setOpen(false);
              onSignedIn();
            }}
          />
        </Suspense>
      )}
    </>
  );
}
