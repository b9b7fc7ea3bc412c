import { useSyncExternalStore } from "react";
import type { ConnectionView } from "../client/index.ts";
import { useClient } from "./context.ts";

/** Where the connection stands, with `retry` for a person who does not want to wait. */
export type UseConnection = ConnectionView & { retry: () => void };

/** Follows the state of the one connection. */
export function useConnection(): UseConnection {
  const { connection, source } = useClient();
  const view = useSyncExternalStore(connection.subscribe, connection.getSnapshot, connection.getSnapshot);
  return { ...view, retry: source.retry };
}
