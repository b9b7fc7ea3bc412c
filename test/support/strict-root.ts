import { StrictMode, createElement } from "react";
import type { ReactNode } from "react";
import type { createRoot as createRootOf } from "react-dom/client";
// @ts-expect-error By its place, which has no types: its name is an alias for this module.
import { createRoot as createPlainRoot } from "../../node_modules/react-dom/client.js";

/** React's own, but that all is shown in `StrictMode`: its development build mounts each component, takes it away, and mounts it again. */
export function createRoot(element: Element): { render: (shown: ReactNode) => void; unmount: () => void } {
  const root = (createPlainRoot as typeof createRootOf)(element);
  return {
    render: (shown) => root.render(createElement(StrictMode, undefined, shown)),
    unmount: () => root.unmount(),
  };
}
