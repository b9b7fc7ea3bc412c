import { StreamError } from "./error.ts";
import type { Api } from "./request.ts";
import { createStore } from "./store.ts";
import type { Store } from "./store.ts";

/** What a model list shows. */
export interface ModelsView {
  readonly status: "loading" | "ready" | "failed";
  readonly models: readonly ListedModel[];
  /** The one that answers where none is named. */
  readonly defaultModel?: string;
  readonly error?: StreamError;
}

export interface ListedModel {
  readonly id: string;
  readonly origin: string;
  readonly description?: string;
}

export interface ModelsStore extends Store<ModelsView> {
  /** Asks again. */
  refresh: () => Promise<void>;
}

const RETRY_MS = 2_000;

/** The models that the server offers: asked when someone begins to listen. */
export function createModelsStore(api: Api): ModelsStore {
  const store = createStore<ModelsView>({ status: "loading", models: [] }, () => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      await refresh();
      const { status, error } = store.getSnapshot();
      // What was refused is asked for again by a person alone.
      if (status === "failed" && error?.isRetryable === true) timer = setTimeout(() => void ask(), RETRY_MS);
    };
    void ask();
    return () => clearTimeout(timer);
  });

  async function refresh(): Promise<void> {
    try {
      const list = (await api.send("GET", "/v1/models", undefined, { patienceMs: 0 })) as {
        data: ListedModel[];
        default?: string;
      }; // PROTOCOL.md
      const view: ModelsView = { status: "ready", models: list.data };
      store.set(list.default === undefined ? view : { ...view, defaultModel: list.default });
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      // What was known is shown on.
      if (store.getSnapshot().status !== "ready") store.set({ status: "failed", models: [], error });
    }
  }

  return { getSnapshot: store.getSnapshot, subscribe: store.subscribe, refresh };
}
