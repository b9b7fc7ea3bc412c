import { StrictMode, Suspense, lazy } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { followTheme } from "./theme.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
followTheme();
// The feeds are no part of what the chat loads first.
const Live = lazy(async () => ({ default: (await import("./live/live.tsx")).Live }));
createRoot(root).render(
  <StrictMode>
    {/^\/live(?:\/|$)/.test(location.pathname) ? (
      <Suspense>
        <Live />
      </Suspense>
    ) : (
      <App />
    )}
  </StrictMode>,
);
