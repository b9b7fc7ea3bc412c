import { asObject } from "./frame.ts";

interface Model {
  id: string;
  name: string;
  origin: string;
  description: string;
}

/** Who answers. */
export interface ModelPicker {
  /** The chosen model; undefined leaves it to the server. */
  readonly chosen: string | undefined;
  choose: (id: string | undefined) => void;
}

const REMEMBERED = "millrace:model";

/** Fills the place where the model is chosen, and says in the note what it is. One model alone is named, not offered as
 *  a choice. */
export function createModelPicker(place: HTMLElement, note: HTMLElement): ModelPicker {
  let chosen: string | undefined;
  let models: Model[] = [];
  let select: HTMLSelectElement | undefined;
  const origin = document.createElement("span");
  origin.className = "model-origin";

  const show = () => {
    const model = models.find(({ id }) => id === chosen);
    origin.textContent = model?.origin ?? "";
    note.textContent = model?.description ?? "";
    if (select !== undefined && chosen !== undefined) select.value = chosen;
  };

  const fill = async () => {
    const list = await fetchModels();
    models = list.models;
    const wanted = [chosen, remember(), list.standard, models[0]?.id];
    chosen = wanted.find((id) => id !== undefined && models.some((model) => model.id === id));
    const only = models.length === 1 ? models[0] : undefined;
    if (only !== undefined) {
      const name = document.createElement("span");
      name.textContent = only.name;
      place.replaceChildren(name, origin);
    } else if (models.length > 1) {
      select = createSelect(models);
      select.addEventListener("change", () => {
        chosen = select?.value;
        remember(chosen);
        show();
      });
      place.replaceChildren(select, origin);
    }
    show();
  };
  void fill();

  return {
    get chosen() {
      return chosen;
    },
    choose(id) {
      if (id === undefined || (models.length > 0 && !models.some((model) => model.id === id))) return;
      chosen = id;
      show();
    },
  };
}

function createSelect(models: readonly Model[]): HTMLSelectElement {
  const select = document.createElement("select");
  select.setAttribute("aria-label", "Model");
  const origins = [...new Set(models.map(({ origin }) => origin))];
  for (const origin of origins) {
    const group = document.createElement("optgroup");
    group.label = origin;
    for (const model of models) if (model.origin === origin) group.append(new Option(model.name, model.id));
    select.append(group);
  }
  return select;
}

async function fetchModels(): Promise<{ models: Model[]; standard: string | undefined }> {
  try {
    const response = await fetch("/v1/models", { headers: { accept: "application/json" } });
    const body = asObject(response.ok ? await response.json() : undefined);
    const data = Array.isArray(body["data"]) ? (body["data"] as unknown[]) : [];
    const standard = body["default"];
    return {
      models: data.flatMap(parseModel),
      standard: typeof standard === "string" ? standard : undefined,
    };
  } catch {
    return { models: [], standard: undefined }; // Without the list the server's own choice answers.
  }
}

function parseModel(value: unknown): Model[] {
  const { id, name, origin, owned_by: owner, description } = asObject(value);
  if (typeof id !== "string") return [];
  return [
    {
      id,
      name: typeof name === "string" ? name : id,
      origin: typeof origin === "string" ? origin : typeof owner === "string" ? owner : "",
      description: typeof description === "string" ? description : "",
    },
  ];
}

/** Keeps the choice for the next visit; gives the kept one if called without. */
function remember(id?: string): string | undefined {
  try {
    if (id !== undefined) localStorage.setItem(REMEMBERED, id);
    return localStorage.getItem(REMEMBERED) ?? undefined;
  } catch {
    return undefined; // Storage may be forbidden; the choice then lasts as long as the page.
  }
}
