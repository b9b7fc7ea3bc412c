import { createOpenAIProvider } from "../../src/chat/openai.ts";
import type { FetchLike } from "../../src/chat/openai.ts";
import type { Provider } from "../../src/chat/provider.ts";

/** A provider whose server answers everything so. */
export function handed(response: Awaited<ReturnType<FetchLike>>): Provider {
  return createOpenAIProvider({
    name: "handed",
    baseUrl: "http://127.0.0.1:1/v1",
    fetch: () => Promise.resolve(response),
  });
}

/** An answer in these pieces. */
export function streamOf(parts: readonly Uint8Array[]): Awaited<ReturnType<FetchLike>> {
  const left = [...parts];
  return {
    ok: true,
    status: 200,
    headers: { get: () => null },
    body: {
      getReader: () => ({
        read: () => {
          const value = left.shift();
          return Promise.resolve(value === undefined ? { done: true } : { done: false, value });
        },
        cancel: () => Promise.resolve(),
      }),
    },
  };
}
