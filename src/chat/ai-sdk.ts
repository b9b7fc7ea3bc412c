import { StreamError } from "../protocol/error.ts";
import { readParts, toFailure } from "./ai-sdk-answer.ts";
import type { AiSdkPart } from "./ai-sdk-answer.ts";
import { toCallOptions } from "./ai-sdk-prompt.ts";
import type { ProviderOptions } from "./ai-sdk-prompt.ts";
import type { GenerateRequest, Provider, ProviderEvent } from "./provider.ts";

export { toModelMessages } from "./ai-sdk-prompt.ts";

/** A `LanguageModel` of the AI SDK, such as `anthropic("claude-sonnet-4-5")`: of version 2, 3 or 4 of that interface, as `ai` 5, 6 and 7
 *  have it. */
export interface AiSdkModel {
  readonly provider: string;
  readonly modelId: string;
  /** What it is asked follows from its version, and is made here. */
  doStream(options: never): PromiseLike<{ stream: ReadableStream<AiSdkPart> }>;
}

export interface AiSdkProviderOptions {
  /** Short. Default `ai-sdk`. */
  name?: string;
  /** What is offered, each by its `modelId`. */
  models: readonly AiSdkModel[];
  /** Where they come from, for people. Default: what each says of itself. */
  origin?: string;
  /** What only one of their providers understands, by its name, such as `{ anthropic: { … } }`. Default: nothing. */
  providerOptions?: ProviderOptions;
}

/** Makes a provider of models of the AI SDK. Tools are Millrace's own: a model is told of them, and Millrace runs them.
 *  Done:   `return()` and an aborted signal end the upstream request.
 *  Errors: `provider-refused`, `provider-busy`, `provider-failed`. Nothing is tried again by itself.
 *  Source: `@ai-sdk/provider`, `LanguageModelV2` to `LanguageModelV4`. */
export function createAiSdkProvider(options: AiSdkProviderOptions): Provider {
  const { name = "ai-sdk", models, origin, providerOptions } = options;

  async function* generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    const model = models.find(({ modelId }) => modelId === request.model);
    if (model === undefined)
      throw new StreamError("provider-refused", `${name} has no model ${JSON.stringify(request.model)}.`);
    try {
      // The options are those of each version.
      const { stream } = await model.doStream(toCallOptions(request, providerOptions, signal) as never);
      yield* readParts(iterate(stream), { name });
    } catch (error) {
      signal.throwIfAborted();
      throw toFailure(name, error);
    }
  }

  return {
    name,
    writesTitles: true,
    models: () =>
      Promise.resolve(models.map(({ modelId, provider }) => ({ id: modelId, origin: origin ?? provider }))),
    generate,
  };
}

/** Makes a run's generation of what `streamText` of the AI SDK returned: `millrace.run(toMillrace(result))`. Tools that it was given are run by
 *  it; their calls and results stand in the answer.
 *  End:    with the result's. A failure of the model ends the run with `error`. */
export function toMillrace(result: {
  readonly fullStream: AsyncIterable<AiSdkPart>;
}): AsyncIterable<ProviderEvent> {
  return readParts(result.fullStream, { name: "The model", executor: "provider" });
}

/** A stream's parts. Leaving early cancels it. */
async function* iterate<Part>(stream: ReadableStream<Part>): AsyncGenerator<Part> {
  const reader = stream.getReader();
  let isWhole = false;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
    isWhole = true;
  } finally {
    // What is left has nothing more to say, also where it fails at that.
    if (!isWhole) await reader.cancel().catch(() => undefined);
  }
}
