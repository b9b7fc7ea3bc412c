import { StrictMode, Suspense } from "react";
import type { ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "millrace/client";
import type { Source } from "millrace/client";
import { MillraceProvider } from "millrace/react";
import { App } from "./app.tsx";
import { BASE, addressOf, insidePath } from "./base.ts";
import { lazyPart } from "./lazy-part.ts";
import { followSignOut } from "./sign-out.ts";
import { followTheme } from "./theme.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
followTheme();
followSignOut();
// A relative address would be read anew from each address that the page goes to.
for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel="icon"]'))
  link.setAttribute("href", link.href);
// The feeds are no part of what the chat loads first.
const Live = lazyPart(async () => (await import("./live/live.tsx")).Live);
const Inspect = lazyPart(async () => (await import("./inspect/inspect.tsx")).Inspect);
createRoot(root).render(<StrictMode>{pageAt(insidePath(location.pathname))}</StrictMode>);

function pageAt(path: string): ReactNode {
  // It asks by itself, and follows nothing.
  if (path === "/inspect")
    return (
      <Suspense>
        <Inspect />
      </Suspense>
    );
  const client = createClient({ url: BASE });
  void reportOf(client.source);
  return (
    <MillraceProvider client={client}>
      {/^\/live(?:\/|$)/.test(path) ? (
        <Suspense>
          <Live />
        </Suspense>
      ) : (
        <App />
      )}
    </MillraceProvider>
  );
}

/** What came wrongly is told to who runs the server; that can wait until the page stands. */
async function reportOf(source: Source): Promise<void> {
  const { reportDeliveries, sendReport } = await import("./reports.ts");
  reportDeliveries({ source, page: window, send: (report) => sendReport(addressOf("/v1/reports"), report) });
}
