import { useSyncExternalStore } from "react";
import type { ModelsStore, ModelsView } from "../client/index.ts";
import { useClient } from "./context.ts";

/** The models that the server offers, and `refresh` to ask again. */
export type UseModels = ModelsView & Pick<ModelsStore, "refresh">;

export function useModels(): UseModels {
  const { getSnapshot, subscribe, refresh } = useClient().models;
  const view = useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
  return { ...view, refresh };
}
