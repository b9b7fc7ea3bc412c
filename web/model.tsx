import type { ReactNode } from "react";
import { useModels } from "millrace/react";
import { createKept, useKept } from "./kept.ts";

const remembered = createKept("model");

/** The model that is asked: the chosen one while the server has it, else the server's own choice. */
export function useModelChoice(): [model: string | undefined, choose: (model: string) => void] {
  const { models, defaultModel } = useModels();
  const wanted = useKept(remembered);
  const model = models.some(({ id }) => id === wanted) ? wanted : (defaultModel ?? models[0]?.id);
  return [model, remembered.set];
}

/** Where the model is chosen, with where it comes from. One model alone is named, not offered as a choice. */
export function ModelPicker(): ReactNode {
  const { models } = useModels();
  const [model, choose] = useModelChoice();
  const shown = models.find(({ id }) => id === model);
  const origins = [...new Set(models.map(({ origin }) => origin))];
  return (
    <div className="model" id="model">
      {models.length > 1 ? (
        <select aria-label="Model" value={model} onChange={(event) => choose(event.target.value)}>
          {origins.map((origin) => (
            <optgroup key={origin} label={origin}>
              {models
                .filter((one) => one.origin === origin)
                .map(({ id }) => (
                  <option key={id}>{id}</option>
                ))}
            </optgroup>
          ))}
        </select>
      ) : (
        <span>{model}</span>
      )}
      <span className="model-origin">{shown?.origin}</span>
    </div>
  );
}
