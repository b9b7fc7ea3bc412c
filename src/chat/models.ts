import { editDistance } from "../protocol/edit-distance.ts";
import type { Model, Provider } from "./provider.ts";

/** All models of all providers under names of their own. */
export interface ModelRegistry {
  /** The models offered now. A provider that fails is left out.
   *  Order: by provider, as handed in; a name that an earlier provider has is listed as `provider/name`. */
  list(): Promise<Model[]>;
  /** Finds a model by a listed id or by `provider/name`; without an id the default one. Undefined if there is none.
   *  The default: the configured one if it is there, else the first that is not built in, else `guide`. */
  find(id?: string): Promise<FoundModel | undefined>;
  /** The listed id that is nearest to a wrong one, for an error's text; undefined if none is near. */
  suggest(id: string): Promise<string | undefined>;
}

export interface FoundModel {
  provider: Provider;
  /** The provider's own name for it, which `provider.generate` wants. */
  model: string;
  /** The name it is listed under. */
  id: string;
}

export interface ModelRegistryOptions {
  /** The id of the model to use where a request names none. */
  configured?: string | undefined;
}

const BUILT_IN = new Set(["guide", "script"]);

/** Makes one list of the models of several providers. Hand them in by rank: local servers, the environment's, then the
 *  built-in ones. */
export function createModelRegistry(
  providers: readonly Provider[],
  options: ModelRegistryOptions = {},
): ModelRegistry {
  const listAll = async (): Promise<ListedModel[]> => {
    const lists = await Promise.all(
      // Whoever fails now is asked again for the next list.
      providers.map((provider) => provider.models().catch((): readonly Model[] => [])),
    );
    const all = new Map<string, ListedModel>();
    for (const [index, provider] of providers.entries()) {
      for (const model of lists[index] ?? []) {
        const id = all.has(model.id) ? `${provider.name}/${model.id}` : model.id;
        if (!all.has(id)) all.set(id, { provider, model, id });
      }
    }
    return [...all.values()];
  };

  const findDefault = (all: ListedModel[]): ListedModel | undefined =>
    all.find(({ id }) => id === options.configured) ??
    all.find(({ provider }) => !BUILT_IN.has(provider.name)) ??
    all.find(({ id }) => id === "guide") ??
    all[0];

  return {
    async list() {
      return (await listAll()).map(({ model, id }) => ({ ...model, id }));
    },
    async find(id) {
      const all = await listAll();
      const found =
        id === undefined
          ? findDefault(all)
          : (all.find((listed) => listed.id === id) ??
            all.find(({ provider, model }) => `${provider.name}/${model.id}` === id));
      return found && { provider: found.provider, model: found.model.id, id: found.id };
    },
    async suggest(id) {
      const all = await listAll();
      return nearest(
        id,
        all.map((listed) => listed.id),
      );
    },
  };
}

interface ListedModel {
  provider: Provider;
  model: Model;
  id: string;
}

function nearest(wrong: string, ids: readonly string[]): string | undefined {
  const wanted = wrong.toLowerCase().slice(0, 100);
  let best: { id: string; distance: number } | undefined;
  for (const id of ids) {
    const known = id.toLowerCase();
    // `gpt-5` for `gpt-5-mini`, `llama3` for `meta/llama3:8b`.
    const isPart = wanted.length >= 3 && (known.includes(wanted) || wanted.includes(known));
    const distance = isPart ? 1 : editDistance(wanted, known);
    if (distance <= Math.max(2, wanted.length / 3) && (best === undefined || distance < best.distance)) {
      best = { id, distance };
    }
  }
  return best?.id;
}
