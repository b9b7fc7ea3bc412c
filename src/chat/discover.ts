import { createOpenAIProvider } from "./openai.ts";
import type { FetchLike } from "./openai.ts";
import type { Provider } from "./provider.ts";

const LOCAL_SERVERS = [
  { name: "ollama", label: "Ollama", port: 11_434 },
  { name: "lmstudio", label: "LM Studio", port: 1_234 },
  { name: "llamacpp", label: "llama.cpp", port: 8_080 },
  { name: "vllm", label: "vLLM", port: 8_000 },
] as const;

const OPENAI_BASE_URL = "https://api.openai.com/v1";

export interface DiscoverOptions {
  /** What sends requests. Default: the global `fetch`. */
  fetch?: FetchLike | undefined;
  /** How long each port is waited for, all at once. Default 400. */
  timeoutMs?: number | undefined;
}

/** Looks for model servers on the usual ports of this machine: Ollama 11434, LM Studio 1234, llama.cpp 8080, vLLM 8000.
 *  Done:   when each port has answered with a list of models, with something else, or not in time.
 *  Order:  as named above. A server without a model is left out.
 *  Errors: none; a port where nothing fits is no provider. */
export async function discoverLocalServers(options: DiscoverOptions = {}): Promise<Provider[]> {
  const { fetch, timeoutMs = 400 } = options;
  const found = await Promise.all(
    LOCAL_SERVERS.map(async ({ name, label, port }) => {
      const local = {
        name,
        baseUrl: `http://127.0.0.1:${port}/v1`,
        origin: `${label} on this machine`,
        fetch,
      };
      try {
        const models = await createOpenAIProvider({ ...local, modelsTimeoutMs: timeoutMs }).models();
        // A second one, since a server that is at work may later need longer than a first look waits.
        return models.length > 0 ? createOpenAIProvider(local) : undefined;
      } catch {
        return undefined; // nothing there, or something else: the usual case
      }
    }),
  );
  return found.filter((provider) => provider !== undefined);
}

/** Makes the providers that the environment has keys for: `OPENAI_API_KEY`, at `OPENAI_BASE_URL` where that is set (which
 *  needs no key). Errors: `invalid-request` if one of them cannot be used. */
export function environmentProviders(
  env: Readonly<Record<string, string | undefined>>,
  options: { fetch?: FetchLike | undefined } = {},
): Provider[] {
  const apiKey = env["OPENAI_API_KEY"]?.trim() || undefined;
  const baseUrl = env["OPENAI_BASE_URL"]?.trim() || undefined;
  if (apiKey === undefined && baseUrl === undefined) return [];
  const host = URL.canParse(baseUrl ?? OPENAI_BASE_URL) ? new URL(baseUrl ?? OPENAI_BASE_URL).host : "";
  const isOpenAI = host === "api.openai.com";
  return [
    createOpenAIProvider({
      name: isOpenAI || host === "" ? "openai" : host,
      baseUrl: baseUrl ?? OPENAI_BASE_URL,
      apiKey,
      origin: isOpenAI ? "OpenAI" : host,
      fetch: options.fetch,
    }),
  ];
}
