import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { followTheme } from "./theme.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
followTheme();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
